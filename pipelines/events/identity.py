"""Who a visitor is: anonymous ids and user ids to visitors, visitors to people.

A visitor is one pair of user id and anonymous id as it came. A person is a user, or an anonymous
id that no user ever claimed. An anonymous id belongs to the first user seen with it, or that an
`alias` gave it to (by time of event, then by user id); later users of a shared device keep their
own events and never merge, and neither do two users whom an `alias` names. The map is small (one row
per visitor) and is made anew from the links at each load, so a merge restates history without
touching the events. Decision record 0006.
"""

from __future__ import annotations

import duckdb

PREPARE = """
create table if not exists raw_events.visitors (visitor_key integer primary key, user_id varchar, anonymous_id varchar);
create table if not exists raw_events.links (anonymous_id varchar, user_id varchar, first_at timestamp);
create table if not exists raw_events.owners (anonymous_id varchar, user_id varchar);
create table if not exists raw_events.identity_map (
    visitor_key integer, person_key integer, user_id varchar, anonymous_id varchar, person_id varchar
);
create table if not exists raw_events.identities (
    user_id varchar, email varchar, first_name varchar, country varchar, traits json,
    first_identified_at timestamp, last_identified_at timestamp
);
"""

PREVIOUS_ID = "nullif(json_extract_string(properties, '/previousId'), '')"
"""SQL: the id that an `alias` says its user had before."""


def add_visitors(connection: duckdb.DuckDBPyConnection, rows: str) -> None:
    """Give every new pair of ids in the relation `rows` a key and remember which user an anonymous id met."""
    connection.execute(f"""
        create or replace temp table seen_pairs as
        select user_id, anonymous_id, min(event_at) as first_at from {rows} group by user_id, anonymous_id
    """)
    connection.execute("""
        insert into raw_events.visitors
        select
            (select coalesce(max(visitor_key), 0) from raw_events.visitors)
            + row_number() over (order by user_id nulls first, anonymous_id nulls first),
            user_id, anonymous_id
        from seen_pairs as fresh
        where not exists (
            select 1 from raw_events.visitors as known
            where known.user_id is not distinct from fresh.user_id
                and known.anonymous_id is not distinct from fresh.anonymous_id
        )
    """)
    connection.execute(f"""
        create or replace temp table met as
        select anonymous_id, user_id, first_at from seen_pairs where anonymous_id is not null and user_id is not null
        union all select {PREVIOUS_ID} as anonymous_id, user_id, event_at as first_at from {rows}
        where type = 'alias' and user_id is not null and {PREVIOUS_ID} <> user_id
        union all select * from raw_events.links
    """)
    connection.execute("delete from raw_events.links")
    connection.execute("insert into raw_events.links select anonymous_id, user_id, min(first_at) from met group by all")


def refresh_identity_map(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `raw_events.owners` (anonymous id to user) and `raw_events.identity_map` anew.

    The map is visitor to person, with the person's smallest visitor key.
    """
    connection.execute("delete from raw_events.owners")
    connection.execute("""
        insert into raw_events.owners
        select anonymous_id, user_id from raw_events.links
        qualify row_number() over (partition by anonymous_id order by first_at, user_id) = 1
    """)
    connection.execute("delete from raw_events.identity_map")
    connection.execute("""
        insert into raw_events.identity_map
        with resolved as (
            select visitor_key, coalesce(visitors.user_id, owners.user_id) as user_id, visitors.anonymous_id
            from raw_events.visitors as visitors left join raw_events.owners as owners using (anonymous_id)
        )
        select
            visitor_key,
            min(visitor_key) over (partition by user_id, case when user_id is null then anonymous_id end) as person_key,
            user_id, anonymous_id, coalesce(user_id, anonymous_id) as person_id
        from resolved
    """)


def refresh_identities(connection: duckdb.DuckDBPyConnection, *, users_of: str, events: str) -> None:
    """Make the traits of the users in the relation `users_of` anew from all their identify calls in `events`."""
    connection.execute(f"""
        create or replace temp table touched as
        select distinct user_id from {users_of} where type = 'identify' and user_id is not null
    """)
    if connection.execute("select 1 from touched limit 1").fetchone() is None:
        return
    connection.execute("delete from raw_events.identities where user_id in (from touched)")
    connection.execute(f"""
        insert into raw_events.identities
        with merged as (
            select
                visitors.user_id,
                list_reduce(
                    list_prepend('{{}}'::json, list(events.properties order by event_at, event_id)),
                    lambda older, newer: json_merge_patch(older, newer)
                ) as traits,
                min(event_at) as first_identified_at,
                max(event_at) as last_identified_at
            from {events} as events join raw_events.visitors as visitors using (visitor_key)
            where events.type = 'identify' and visitors.user_id in (from touched)
            group by visitors.user_id
        )
        select
            user_id, json_extract_string(traits, '/email'),
            coalesce(json_extract_string(traits, '/first_name'), json_extract_string(traits, '/firstName')),
            coalesce(json_extract_string(traits, '/country'), json_extract_string(traits, '/address/country')),
            traits, first_identified_at, last_identified_at
        from merged
    """)
