"""The Stripe accounts that figures are about."""

from __future__ import annotations

from pipelines.errors import UsageError
from pipelines.warehouse import Snapshot

_KNOWN = """
select account from marts.fct_payments
union
select account from marts.fct_mrr_changes
"""
_SYNCED = """
union
select account from health.syncs
"""


def check_account(snapshot: Snapshot, account: str | None) -> None:
    """Refuse an account that the snapshot knows nothing of; None stands for all of them.

    Raises:
        UsageError: naming the accounts that there are.
    """
    if account is None:
        return
    sql = _KNOWN + (_SYNCED if snapshot.has("health.syncs") else "")
    known = sorted(str(row[0]) for row in snapshot.query(sql).iter_rows())
    if account not in known:
        there = f"There are: {', '.join(known)}" if known else "No account has brought anything yet"
        raise UsageError(f"--account {account}: there is no such account. {there}.")
