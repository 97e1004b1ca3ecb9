"""The rows that a funnel looks at: events and facts, with what the query needs to know of the people behind them.

A plain query (`is_plain`) does without: its rows are `matching.events_sql`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.behaviour.facts import COLUMNS, PUBLISHED, columns_of, facts_sql
from pipelines.behaviour.matching import counting_tests, relation_sql
from pipelines.behaviour.query import FunnelQuery
from pipelines.conditions import Bindings, pointer, property_sql, text_sql
from pipelines.warehouse.writer import Connection

PEOPLE = "marts.dim_customers"
OWN_ACCOUNT = "nullif(json_extract_string(context, '/groupId'), '')"
"""SQL of the account that an event names itself; it counts before that of the person."""


def is_plain(query: FunnelQuery) -> bool:
    """Whether the query asks nothing but the relation's four columns, person by person."""
    return (
        query.aggregate_by == "user"
        and query.breakdown is None
        and not query.facts
        and not any(step.first_time_for_user for step in query.steps)
        and all(condition.scope == "event" for condition in query.conditions())
    )


def rows_sql(connection: Connection, relation: str, query: FunnelQuery, bindings: Bindings) -> str:
    """The same for every query: also of facts, by whatever is counted, with what the people are known for.

    Beside the four columns: `subject` (what is counted), `value` (of the breakdown), `first_n` (the first time
    of step n's event), the bindings' traits, and for facts `event_id, amount_minor, currency`.

    Raises:
        UsageError: the query asks for facts, and these events come from files.
        MillstreamError: what it asks for is not published.
    """
    subject, value = subject_sql(query.aggregate_by, bindings), _value(query, bindings)
    tests = ["rows.person_id is not null", f"{subject} is not null", *counting_tests(query, bindings)]
    source = source_sql(connection, relation, query.aggregate_by, query.facts, bindings)
    firsts, first_join = _firsts_sql(query, source, bindings)
    joins = [first_join, traits_sql(connection, relation, bindings), accounts_sql(relation, query.aggregate_by)]
    columns = ["rows.*", f"{subject} as subject", f"{value} as value", *firsts, *bindings.traits.values()]
    return f"""
        select {", ".join(columns)}
        from ({source}) as rows {" ".join(joins)}
        where {" and ".join(tests)}
    """


def first_name(step: int) -> str:
    """The column with the first time that a person did a step's event."""
    return f"first_{step}"


def subject_sql(aggregate_by: str, bindings: Bindings) -> str:
    """SQL of what is counted, in `rows` of `events_of` with the joins of `traits_sql` and `accounts_sql`."""
    kind, _, name = aggregate_by.partition(":")
    if kind == "event_property":
        return property_sql(name, bindings)
    if kind == "user_property":
        return bindings.trait(name)
    if kind == "identity":
        return "rows.identity"
    return "coalesce(rows.own_account, accounts.account)" if kind == "account" else "rows.person_id"


def _value(query: FunnelQuery, bindings: Bindings) -> str:
    if query.breakdown is None:
        return "null::varchar"
    return text_sql(query.breakdown.property, query.breakdown.scope, bindings)


def source_sql(
    connection: Connection, relation: str, aggregate_by: str, facts: Sequence[str], bindings: Bindings
) -> str:
    """SQL of events, and of the facts of these names beside them, with what `subject_sql` needs of them.

    Raises:
        UsageError: facts are asked for, and these events come from files.
        MillstreamError: what is asked for is not published.
    """
    told = facts_of(connection, relation, aggregate_by, facts, bindings)
    if not told:
        return events_of(relation, aggregate_by)
    events = f"""
        select {COLUMNS}{_own_account(aggregate_by, OWN_ACCOUNT)}
        from (select *, null::bigint as amount_minor, null::varchar as currency from {relation_sql(relation)})
        where event not in (select unnest($facts))
    """
    return f"{events} union all {told}"


def facts_of(connection: Connection, relation: str, aggregate_by: str, facts: Sequence[str], bindings: Bindings) -> str:
    """SQL of the facts of these names alone; empty without names. Raises as `source_sql` does."""
    parts, values = facts_sql(connection, relation, facts)
    bindings.values.update(values)
    columns = COLUMNS + _own_account(aggregate_by, "null::varchar")
    return " union all ".join(f"select {columns} from ({part})" for part in parts)


def events_of(relation: str, aggregate_by: str) -> str:
    """SQL of a relation's events with what `subject_sql` needs of them."""
    if aggregate_by == "identity":
        return _identities_sql(relation)
    own = _own_account(aggregate_by, OWN_ACCOUNT)
    return f"select person_id, event, event_at, properties{own} from {relation_sql(relation)}"


def _own_account(aggregate_by: str, account: str) -> str:
    return f", {account} as own_account" if aggregate_by == "account" else ""


def _identities_sql(relation: str) -> str:
    """Events with the id that they came with: the user's, else the anonymous one, whoever it belongs to by now."""
    source, ids = f"{relation_sql(relation)} as rows", "rows"
    if relation == PUBLISHED:
        # There the ids are already those of the person.
        source, ids = f"{source} inner join raw_events.visitors as visitors using (visitor_key)", "visitors"
    identity = f"coalesce({ids}.user_id, {ids}.anonymous_id) as identity"
    return f"select rows.person_id, rows.event, rows.event_at, rows.properties, {identity} from {source}"


def accounts_sql(relation: str, aggregate_by: str) -> str:
    """The join to `rows` that brings the account of their person at their time: that of the last `group` call.

    Calls that name the same account again are one stretch of time, so the join grows with the changes alone.
    """
    if aggregate_by != "account":
        return ""
    in_order = "over (partition by person_id order by since, event_id)"
    group = "nullif(json_extract_string(properties, '/groupId'), '')"
    calls = f"""
        select person_id, event_at as since, event_id, {group} as account
        from {relation_sql(relation)}
        where type = 'group' and person_id is not null and {group} is not null
    """
    # Of several in one instant all but the last get a stretch of no length, which holds no event.
    changes = f"select * from ({calls}) qualify account is distinct from lag(account) {in_order}"
    stretches = f"select *, coalesce(lead(since) {in_order}, timestamp 'infinity') as until from ({changes})"
    return f"""
        left join ({stretches}) as accounts on rows.person_id = accounts.person_id
        and rows.event_at >= accounts.since and rows.event_at < accounts.until
    """


def _firsts_sql(query: FunnelQuery, source: str, bindings: Bindings) -> tuple[list[str], str]:
    """The columns, and the join that brings them: over all events there are, whatever dates and filters say."""
    wanted = [number for number, step in enumerate(query.steps) if step.first_time_for_user]
    if not wanted:
        return [], ""
    tests = [named_sql(query.steps[number].event, query.facts, bindings) for number in wanted]
    columns = [
        f"min(event_at) filter (where {test}) as {first_name(number)}"
        for number, test in zip(wanted, tests, strict=True)
    ]
    join = f"""
        left join (select person_id, {", ".join(columns)} from ({source}) group by person_id) as firsts
        on rows.person_id = firsts.person_id
    """
    return [first_name(number) for number in wanted], join


def named_sql(event: str | None, facts: Sequence[str], bindings: Bindings) -> str:
    """SQL that is true for the events of a name; a fact is not any event."""
    if event is not None:
        return f"coalesce(event = {bindings.add(event)}, false)"
    return "not list_contains($facts, event)" if facts else "true"


def traits_sql(connection: Connection, relation: str, bindings: Bindings) -> str:
    """The join to `rows` that brings the properties of users, which `bindings` knows.

    They are as `identify` last told them, else as `dim_customers` has them.
    """
    if not bindings.traits:
        return ""
    told = ", ".join(
        f"arg_max_null(json_extract_string(properties, {place}), (event_at, event_id))"
        f" filter (where json_exists(properties, {place})) as {column}"
        for name, column in bindings.traits.items()
        for place in [bindings.add(pointer(name))]
    )
    sql = f"""
        select person_id, {told} from {relation_sql(relation)}
        where type = 'identify' and person_id is not null group by person_id
    """
    known = columns_of(connection, PEOPLE) if relation == PUBLISHED else []
    if any(name in known for name in bindings.traits):
        both = [
            f'coalesce({column}, cast(people."{name}" as varchar)) as {column}' if name in known else column
            for name, column in bindings.traits.items()
        ]
        sql = f"select person_id, {', '.join(both)} from ({sql}) as told full join {PEOPLE} as people using (person_id)"
    return f"left join ({sql}) as traits on rows.person_id = traits.person_id"
