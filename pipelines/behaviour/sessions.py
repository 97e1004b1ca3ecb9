"""Sessions of any relation of events, by the rule of `fct_sessions`: one person's events, no gap above 30 minutes.

Events of every type keep a session alive; midnight does not end it. A test holds it to the mart.
"""

from __future__ import annotations

IDLE_MINUTES = 30
IN_ORDER = "order by event_at, event_id"


def sessions_sql(events: str) -> str:
    """SQL of the rows of `events` with `session`, the number of the session among its person's, from 1.

    `events` is SQL from code, with the columns `person, event_at, event_id`.
    """
    window = f"over (partition by person {IN_ORDER}"
    return f"""
        select * exclude (is_start),
            sum(cast(is_start as integer)) {window} rows between unbounded preceding and current row) as session
        from (
            select *,
                coalesce(lag(event_at) {window}) < event_at - interval {IDLE_MINUTES} minute, true) as is_start
            from ({events})
        )
    """
