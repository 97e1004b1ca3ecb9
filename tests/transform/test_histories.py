"""What invoice lines and versions tell about the past, day by day."""

from __future__ import annotations

from tests.transform.sample_warehouse import Built


def changes(built: Built, story: str) -> list[tuple[str, int, str, str]]:
    """Day, rounded change, cause and source of each row of the ledger."""
    rows = built.rows(
        "select cast(changed_date as varchar), cast(round(delta_minor, 3) as double), cause, source"
        " from marts.fct_mrr_changes where profile = 'stripe' and account = ? order by changed_at, delta_minor",
        f"history {story}",
    )
    return [(str(day), delta, str(cause), str(source)) for day, delta, cause, source in rows]


def movements(built: Built, story: str) -> list[tuple[object, ...]]:
    return built.rows(
        "select cast(changed_date as varchar), movement, amount_minor from marts.fct_mrr_movements_daily"
        " where profile = 'stripe' and account = ? order by changed_date",
        f"history {story}",
    )


def test_an_upgrade_in_the_middle_of_a_month_takes_effect_at_once(built: Built) -> None:
    assert changes(built, "upgrade") == [
        ("2026-01-01", 2000, "started", "invoice"),
        ("2026-03-16", 3000, "price_changed", "invoice"),
    ]


def test_nothing_is_counted_after_a_subscription_ended(built: Built) -> None:
    assert changes(built, "ended") == [
        ("2026-01-01", 1000, "started", "invoice"),
        ("2026-04-10", -1000, "canceled", "version"),
    ]


def test_a_gap_of_three_days_is_bridged_and_a_longer_one_is_not(built: Built) -> None:
    assert [(day, delta) for day, delta, *_ in changes(built, "gaps")] == [
        ("2026-01-01", 1000), ("2026-04-01", -1000), ("2026-05-01", 1000),
    ]  # fmt: skip


def test_lines_that_were_never_issued_do_not_count(built: Built) -> None:
    assert [(day, delta) for day, delta, *_ in changes(built, "not_issued")] == [
        ("2026-03-01", 1000),
        ("2026-04-01", -1000),
    ]


def test_prorations_that_wait_for_their_invoice_count_from_the_change(built: Built) -> None:
    assert changes(built, "pending") == [
        ("2026-01-01", 1000, "started", "invoice"),
        ("2026-03-08", 1000, "price_changed", "invoice"),
    ]


def test_past_due_counts_and_unpaid_does_not(built: Built) -> None:
    assert changes(built, "versions") == [
        ("2026-01-01", 3000, "started", "version"),
        ("2026-02-10", 2000, "quantity_changed", "version"),
        ("2026-03-10", -3000, "quantity_changed", "version"),
        ("2026-04-20", -2000, "unpaid", "version"),
    ]


def test_a_trial_converts_when_it_ends_and_not_when_we_look(built: Built) -> None:
    assert changes(built, "trial") == [("2026-01-15", 1000, "trial_converted", "version")]


def test_a_subscription_seen_once_reaches_back_to_its_start(built: Built) -> None:
    assert changes(built, "reach_back") == [("2026-02-05", 1000, "started", "version")]


def test_a_swap_of_items_in_one_moment_is_one_contraction(built: Built) -> None:
    assert movements(built, "came_back") == [
        ("2026-01-01", "new", 5000),
        ("2026-02-01", "churn", -5000),
        ("2026-03-01", "reactivation", 5000),
        ("2026-04-01", "contraction", -1000),
    ]


def test_objects_of_older_versions_tell_the_same(built: Built) -> None:
    assert changes(built, "older") == [("2026-01-01", 900, "started", "invoice")]
