"""The MRR ledger of 100,000 subscriptions over five years, made whole and after 100 more changes, against plain pandas.

Ours is what a build does: the models from the raw versions to `fct_mrr_daily`, under every profile, by dbt in a child
process, without the tests of data. Figures are told with dbt's start and without it: the start is what a build of one
small table takes. The peer reads the same versions, computes each item's MRR row by row with exact decimals
under the one profile `stripe`, and takes it to movements per customer and balances per day with groups and shifts. Both
must end at the same balance of each currency.

`python -m benchmarks.ledger 10000` measures fewer subscriptions; each has ten versions.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from pipelines.operations import prepare_warehouse
from pipelines.settings import Settings
from pipelines.transform import touched
from pipelines.transform.build import ask_dbt, build_ledger, figure_environment
from pipelines.warehouse import Warehouse
from pipelines.warehouse.writer import Connection

SUBSCRIPTIONS, VERSIONS, CHANGED = 100_000, 10, 100
NOW = datetime(2026, 11, 24, tzinfo=UTC)

# Ten versions of each: other quantities, every third another price half way, one in seven past due for a while, one in
# eleven unpaid and back, one in four canceled in the end.
_FILL = """
insert into raw_stripe.object_versions by name
with numbers as (
    select s, k, hash(s, k) as luck, s % 20 // 10 as abroad,
        (s % 10 + case when k >= 5 and s % 3 = 0 then 1 else 0 end) % 10 as price,
        s * 7919 % 1400 as first_day,
        timestamp '2021-11-24' + to_seconds(s % 86400) as base
    from range($first, $last) as subscriptions(s), range($from_version, $to_version) as versions(k)
),
timed as (
    select *, base + to_seconds(cast((first_day + k * (1825 - first_day) / $to_version) * 86400 as bigint)) as moment,
        case when k >= 9 and s % 4 = 0 then 'canceled' when k = 6 and s % 7 = 0 then 'past_due'
            when k = 3 and s % 11 = 0 then 'unpaid' else 'active' end as status
    from numbers
),
told as (
    select *, to_json({
        'id': 'sub_' || s, 'object': 'subscription', 'customer': 'cus_' || s // 2, 'status': status,
        'currency': case abroad when 1 then 'eur' else 'usd' end,
        'created': epoch(base + to_days(first_day::integer))::bigint,
        'start_date': epoch(base + to_days(first_day::integer))::bigint, 'trial_end': null, 'discounts': [],
        'ended_at': case when status = 'canceled' then epoch(moment)::bigint end, 'livemode': false,
        'cancel_at_period_end': false, 'collection_method': 'charge_automatically', 'metadata': {'plan': 'p' || price},
        'items': {'object': 'list', 'has_more': false, 'data': [{
            'id': 'si_' || s, 'object': 'subscription_item', 'quantity': 1 + luck % 20, 'price': {
                'id': 'price_' || price || '_' || abroad, 'object': 'price', 'product': 'prod_' || price,
                'currency': case abroad when 1 then 'eur' else 'usd' end, 'type': 'recurring',
                'billing_scheme': 'per_unit', 'unit_amount': 900 + 700 * price,
                'unit_amount_decimal': (900 + 700 * price)::varchar, 'tiers_mode': null, 'transform_quantity': null,
                'recurring': {'interval': case when price % 4 = 3 then 'year' else 'month' end, 'interval_count': 1,
                    'usage_type': 'licensed'}}}]}
    }) as payload
    from timed
)
select 'default' as account, false as livemode, 'sub_' || s as id, 'subscription' as object, '' as api_version,
    moment as version_at, moment as fetched_at, 'event' as source, 'evt_' || s || '_' || k as event_id,
    false as is_deleted, md5(payload) as payload_hash, payload
from told
"""
_NEWEST = """
delete from raw_stripe.subscriptions;
insert into raw_stripe.subscriptions by name
select * exclude (sequence, parent_id, moment_order) from raw_stripe.object_versions where object = 'subscription'
qualify row_number() over (partition by id order by version_at desc) = 1
"""


def measure(subscriptions: int = SUBSCRIPTIONS) -> str:
    """Seconds and memory of both builds, and how many times as long pandas takes for the first."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(MILLSTREAM_DATA_DIR=Path(name))
        prepare_warehouse(settings, purpose="benchmark")
        _write(settings, lambda connection: _fill(connection, 0, subscriptions, 0))
        _build(settings)  # The project's parse is in its place after this.
        start = _timed(lambda: _start(settings))
        _forget(settings)
        first, ours = _timed(lambda: _build(settings)), _balances(settings)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        peer, theirs = _timed_answer(lambda: _with_pandas(settings))
        if ours != theirs:
            raise RuntimeError(f"the balances differ: {ours} and {theirs}")
        _write(settings, lambda connection: _fill(connection, 0, min(CHANGED, subscriptions), VERSIONS))
        second = _timed(lambda: _build(settings))
    return (
        f"{subscriptions * VERSIONS:,} versions of {subscriptions:,} subscriptions: {first:.1f} s with at most "
        f"{memory / 1e9:.1f} GB, after {CHANGED} changes {second:.1f} s ({second / first:.0%}); without dbt's start of "
        f"{start:.1f} s {first - start:.1f} s and {second - start:.1f} s ({(second - start) / (first - start):.0%}); "
        f"plain pandas, one profile: {peer:.1f} s ({peer / first:.1f} times as long)"
    )


def _fill(connection: Connection, first: int, last: int, version: int) -> None:
    versions = {"from_version": version, "to_version": VERSIONS if version == 0 else version + 1}
    connection.execute(_FILL, {"first": first, "last": last, **versions})
    for statement in _NEWEST.split(";"):
        connection.execute(statement)


def _write(settings: Settings, work: Callable[[Connection], None]) -> None:
    with Warehouse(settings).write("benchmark") as connection:
        work(connection)


_MODELS = ["+fct_mrr_daily", "int_moments_awaited_by_subscriptions"]


def _forget(settings: Settings) -> None:
    """The next build makes everything anew."""
    _write(settings, touched.forget)


def _start(settings: Settings) -> None:
    words = ["build", "--select", "definition_profiles", "--exclude-resource-types", "test"]
    ask_dbt(settings, words, figure_environment(settings, now=NOW))


def _build(settings: Settings) -> None:
    words = ["build", "--select", *_MODELS, "--exclude-resource-types", "test", "unit_test"]
    result = build_ledger(settings, words, part="benchmark", now=NOW)
    if not result.ok:
        raise RuntimeError(f"the models failed: {[node.message for node in result.nodes if node.status == 'error']}")


def _balances(settings: Settings) -> dict[str, int]:
    with Warehouse(settings).write("benchmark") as connection:
        rows = connection.execute(
            "select currency, mrr_minor from marts.fct_mrr_daily where profile = 'stripe' "
            "qualify row_number() over (partition by account, currency order by day desc) = 1"
        ).fetchall()
    return {str(currency): int(minor) for currency, minor in rows}


def _timed(work: Callable[[], object]) -> float:
    return _timed_answer(work)[0]


def _timed_answer(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    answer = work()
    return time.perf_counter() - begin, answer


_A_MONTH = {"day": Decimal(365) / 12, "week": Decimal(365) / 84, "month": Decimal(1), "year": Decimal(1) / 12}


def _monthly(item: dict[str, Any], status: str) -> Decimal:
    recurring = item["price"]["recurring"]
    if status not in ("active", "past_due") or recurring["usage_type"] == "metered":
        return Decimal(0)
    amount = Decimal(item["quantity"]) * Decimal(item["price"]["unit_amount_decimal"])
    return amount * _A_MONTH[recurring["interval"]] / Decimal(recurring["interval_count"])


def _with_pandas(settings: Settings) -> dict[str, int]:
    """The balance of each currency at the end of the last day."""
    with Warehouse(settings).write("benchmark") as connection:
        raw = connection.execute(
            "select version_at, payload from raw_stripe.object_versions where object = 'subscription'"
        ).df()
    rows = []
    for at, text in zip(raw["version_at"], raw["payload"], strict=True):
        told = orjson.loads(text)
        for item in told["items"]["data"]:
            mrr = _monthly(item, told["status"])
            rows.append((told["customer"], item["id"], told["currency"].upper(), at, mrr))
    balances = pd.DataFrame(rows, columns=["customer", "item", "currency", "at", "mrr"])
    balances = balances.sort_values(["item", "at"], kind="stable")
    before = balances.groupby("item")["mrr"].shift().fillna(Decimal(0))
    balances["delta"] = balances["mrr"] - before
    changes = balances[balances["delta"] != 0].assign(day=balances["at"].dt.date)
    days = changes.groupby(["customer", "currency", "day"], sort=True)["delta"].sum().reset_index()
    days["exact"] = days.groupby(["customer", "currency"])["delta"].transform(lambda deltas: deltas.cumsum())
    days["closing"] = [int(exact.quantize(Decimal(1), ROUND_HALF_EVEN)) for exact in days["exact"]]
    customer = days.groupby(["customer", "currency"])
    days["opening"] = customer["closing"].shift().fillna(0).astype("int64")
    days["highest"] = customer["closing"].cummax().groupby([days["customer"], days["currency"]]).shift().fillna(0)
    moved = days[days["closing"] != days["opening"]].copy()
    moved["movement"] = "expansion"
    moved.loc[moved["closing"] < moved["opening"], "movement"] = "contraction"
    moved.loc[moved["closing"] == 0, "movement"] = "churn"
    moved.loc[moved["opening"] == 0, "movement"] = "reactivation"
    moved.loc[(moved["opening"] == 0) & (moved["highest"] == 0), "movement"] = "new"
    moved["amount"] = moved["closing"] - moved["opening"]
    table = moved.pivot_table(
        index=["currency", "day"], columns="movement", values="amount", aggfunc="sum", fill_value=0
    )
    daily = table.sum(axis=1).groupby("currency").cumsum()
    return {str(currency): int(found.iloc[-1]) for currency, found in daily.groupby("currency")}


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else SUBSCRIPTIONS))
