"""The keys of the addresses that SQL can not key: those that are not plain ASCII.

A key is the hash of an address in its one spelling (`pipelines.privacy.address`): composed letters and
the domain as DNS knows it. No engine's SQL makes that spelling, so the few addresses that need it are
keyed here, for the models to look up; of every other address the key is `sha256(lower(trim(email)))`.
Made anew from the landed rows each time, so that nothing of an address stays when they go.
"""

from __future__ import annotations

import polars as pl
from sqlalchemy import Engine

from pipelines.privacy import InvalidAddressError, address_key
from pipelines.privacy.suppression import has_hidden, names_of
from pipelines.state import reading
from pipelines.warehouse.writer import Connection, transaction

# The places that the models take addresses from. A document with neither a wide letter nor an escape (chr(92) is
# the backslash: JSON may write such a letter as one) has no such address: finding that out is cheaper than parsing.
_SPECIAL = "(contains(payload, chr(92)) or strlen(payload) <> length(payload))"
_TOLD = f"""
    select email from raw_events.identities
    union all
    select json_extract_string(payload, '$.email') from raw_stripe.customers where {_SPECIAL}
    union all
    select unnest([
        json_extract_string(payload, '$.billing_details.email'), json_extract_string(payload, '$.receipt_email')
    ]) from raw_stripe.charges where {_SPECIAL}
"""
# `email` as the models spell it (their macro normalised_email); of two writings that are one to them, the first.
_SPECIAL_EMAILS = f"""
    select lower(trim(email)) as email, min(email) as written
    from ({_TOLD})
    where not regexp_full_match(trim(email), '[!-~]*')
    group by all
    order by all
"""
_EVERY_EMAIL = """
    select email from raw_events.identities
    union all
    select json_extract_string(payload, '$.email') from raw_stripe.customers
    union all
    select unnest([
        json_extract_string(payload, '$.billing_details.email'), json_extract_string(payload, '$.receipt_email')
    ]) from raw_stripe.charges
"""
_KEYS = f"""
    select distinct coalesce(keyed.address_key, sha256(told.email)) as address_key
    from (select distinct lower(trim(email)) as email from ({_EVERY_EMAIL}) where email is not null) as told
    left join raw_state.address_keys as keyed using (email)
"""


def key_addresses(connection: Connection) -> None:
    """Replace `raw_state.address_keys` by the keys of what the landed rows tell now, in one transaction."""
    keyed = []
    for email, written in connection.execute(_SPECIAL_EMAILS).fetchall():
        try:
            keyed.append((email, address_key(written)))
        except InvalidAddressError:
            continue  # Nobody can agree to mail there or be sent any: no fact waits under its key.
    keys = pl.DataFrame(keyed, schema={"email": pl.String(), "address_key": pl.String()}, orient="row")
    with transaction(connection):
        connection.execute("create or replace table raw_state.address_keys as from keys")
    del keys  # DuckDB found it by this name.


def suppressed_people(connection: Connection, state: Engine) -> dict[str, str]:
    """The address key behind each hidden key of a suppression, of every address that the landed rows tell.

    The suppressions themselves do not tell whose they are; so everybody known is hidden in the same way and looked
    up. Comes after `key_addresses`.
    """
    with reading(state) as store:
        if not has_hidden(store):
            return {}
        keys = [row[0] for row in connection.execute(_KEYS).fetchall()]
        return names_of(store, keys)
