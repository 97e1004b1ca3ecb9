"""Which steps each event could fill, and which exclusions it meets."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.behaviour.matching import events_sql
from pipelines.behaviour.query import Exclusion, FunnelQuery, Step
from pipelines.behaviour.rows import first_name, is_plain, named_sql, rows_sql
from pipelines.conditions import Bindings, where_sql
from pipelines.warehouse.writer import Connection


def masks_sql(connection: Connection, relation: str, query: FunnelQuery, bindings: Bindings) -> str:
    """SQL of `person_id, value, moment, steps, exclusions`; for steps of money also of what the facts bear.

    In order of person, of value where each has a funnel of its own, and of time. `person_id` is what is counted,
    `value` the breakdown's where there is one. `moment` is in microseconds; `steps` has bit n set where the event
    could fill step n, and so has `exclusions`. A strict funnel looks at every event, the others at those with a bit.
    """
    kept = "true" if query.order == "strict" else "steps > 0 or exclusions > 0"
    steps = [_step_sql(step, number, query, bindings) for number, step in enumerate(query.steps)]
    exclusions = [_part_sql(part, query, bindings) for part in query.exclusions]
    if is_plain(query):
        source, subject, value = events_sql(relation, query, bindings), "person_id", "null::varchar"
    else:
        source, subject, value = rows_sql(connection, relation, query, bindings), "subject", "value"
    money = "event, event_id, amount_minor, currency" if query.revenue_steps else "null as event"
    return f"""
        select
            {subject} as person_id, {value} as value, epoch_us(event_at) as moment,
            {_bits_sql(steps)} as steps, {_bits_sql(exclusions)} as exclusions, {money}
        from ({source})
        where {kept}
        order by {"1, 2, 3" if query.splits_events else "1, 3"}
    """


def chain_sql(connection: Connection, relation: str, query: FunnelQuery, bindings: Bindings, *, person: str) -> str:
    """SQL of `who, value, event_at, step`, and with steps of money `event_id, amount_minor, currency`; in no order.

    Every event fills one step, numbered from 1. Only a plain query may ask for another `person`.
    """
    # One look-up of the name: the engine does it once for each name that a file knows, and not once for each event.
    number = f"list_position({bindings.add([step.event for step in query.steps])}, event)"
    tests = [
        f"(step <> {position + 1} or {_step_sql(step, position, query, bindings, named=False)})"
        for position, step in enumerate(query.steps)
        if step.where or step.first_time_for_user
    ]
    if is_plain(query):
        source, columns = events_sql(relation, query, bindings, person=person), [f"{person} as who"]
    else:
        source, columns = rows_sql(connection, relation, query, bindings), ["subject as who", "value"]
    money = ["event_id", "amount_minor", "currency"] if query.revenue_steps else []
    return f"""
        select {", ".join([*columns, *money])}, event_at, step
        from (select *, cast({number} as tinyint) as step from ({source}))
        where {" and ".join(["step > 0", *tests])}
    """


def chain_is_right(query: FunnelQuery) -> bool:
    """Whether the chain of joins answers the query: ordered, nothing excluded, no event fills two steps."""
    names = [step.event for step in query.steps]
    simple = query.order == "ordered" and not query.exclusions and not query.has_detours
    return simple and None not in names and len(set(names)) == len(names)


def _step_sql(step: Step, number: int, query: FunnelQuery, bindings: Bindings, *, named: bool = True) -> str:
    fits = _part_sql(step, query, bindings) if named else where_sql(step.where, bindings)
    if step.first_time_for_user:
        fits = f"({fits} and coalesce(event_at = {first_name(number)}, false))"
    return fits


def _part_sql(part: Step | Exclusion, query: FunnelQuery, bindings: Bindings) -> str:
    return f"({named_sql(part.event, query.facts, bindings)} and {where_sql(part.where, bindings)})"


def _bits_sql(tests: Sequence[str]) -> str:
    bits = [f"case when {test} then {1 << number} else 0 end" for number, test in enumerate(tests)]
    return f"cast({' + '.join(bits) or '0'} as bigint)"
