"""What a campaign earned, as lines for people: `millstream campaign report`, and the back-test of `preview`."""

from __future__ import annotations

from typing import Any

from pipelines.cli.output import table
from pipelines.money import format_money, format_share

Json = dict[str, Any]
VERDICTS = {
    "significant": "significant",
    "not_significant": "not significant",
    "underpowered": "underpowered: too few people, or too early, to tell",
    "invalid_split": "invalid split: the groups are not of the sizes that were drawn for, so nothing here counts",
}


def print_earned(found: Json) -> None:
    """Codes, rates of the mails, both groups with their lift, variants, last touch."""
    if found["offers"] is not None:
        from pipelines.campaigns import offers_words

        print(offers_words(found["offers"]))
    told = [(name, found["events"][name], format_share(rate)) for name, rate in found["rates"].items()]
    if told:
        table(("what the mailer told", "people", "share"), told, numbers=(1, 2))
    if found["conversion"] is None:
        print("What it earned is known once a build has published what came after it.")
        return
    _print_goal(found["goal"])
    _print_groups(found)
    if found["conversion"]["verdict"] is None:
        print("Nobody was held out, so there is no telling what they would have done anyway.")
    else:
        _print_lift(found)
    if found["variants"]:
        _print_variants(found)
    touched = found["last_touch"]
    net = format_money(touched["net_minor"], touched["currency"])
    print(f"Last touch: {touched['payments']:,} payments after a click on it, {net} net. No lift: many pay anyway.")
    if unconverted := found["revenue"]["unconverted"]:
        print(f"Left out, for want of a rate: money in {', '.join(unconverted)}.")
    if len(found["occurrences"]) > 1:
        _print_occurrences(found)


def print_next(told: Json) -> None:
    """Who would have got it did so much next."""
    goal, rate, money = told["goal"], told["conversion"], told["revenue"]
    over = "" if told["is_over"] else " (their time is not over yet)"
    net = format_money(money["net_minor"], money["currency"])
    print(
        f"Of {rate['people']:,} who would have got it, {rate['converted']:,} ({format_share(rate['rate'])}) reached "
        f"{goal['event']} within {goal['within']} all the same, and paid {net} net{over}."
    )
    needed = {lift: people for lift, people in told["needed_people"].items() if people}
    if needed:
        table(("to see a lift of", "people per group"), [(f"+{k}", f"{v:,}") for k, v in needed.items()], numbers=(1,))


def _print_goal(goal: Json) -> None:
    words = f"Goal: {goal['event']} within {goal['within']}"
    if goal["is_default"]:
        words += ", as the campaign names none"
    if not goal["is_over"]:
        words += f"; the last time is over at {goal['ends_at']:%Y-%m-%d %H:%M} UTC, before that nothing is decided"
    print(f"{words}.")


def _print_groups(found: Json) -> None:
    rows = []
    for name in ("treated", "holdout"):
        rate, money = found["conversion"][name], found["revenue"][name]
        if rate is not None:
            amounts = ("gross", "refunds", "discounts", "net", "net_per_person")
            told = [_money(found, money[f"{amount}_minor"]) for amount in amounts]
            rows.append((name, f"{rate['people']:,}", f"{rate['converted']:,}", format_share(rate["rate"]), *told))
    headings = ("group", "people", "reached it", "share", "gross", "refunds", "discounts", "net", "net per person")
    table(headings, rows, numbers=range(1, 9))


def _print_lift(found: Json) -> None:
    conversion, revenue = found["conversion"], found["revenue"]
    print(
        f"Lift: {_points(conversion['lift'])} ({_points(conversion['interval'][0])} to "
        f"{_points(conversion['interval'][1])}), p {conversion['p_value']:.4f}, "
        f"{conversion['incremental']:,.0f} more who reached it: {VERDICTS[conversion['verdict']]}."
    )
    low, high = (_money(found, end) for end in revenue["interval_minor"])
    print(
        f"Money: {_money(found, revenue['lift_minor'])} per person ({low} to {high}), p {revenue['p_value']:.4f}, "
        f"{_money(found, revenue['incremental_minor'])} in all: {VERDICTS[revenue['verdict']]}."
    )
    if conversion["verdict"] == "underpowered" and conversion["needed_people"]:
        print(f"A lift of that size, or of a fifth, takes {conversion['needed_people']:,} people in each group.")


def _print_variants(found: Json) -> None:
    rows = [
        (
            one["variant"],
            f"{one['conversion']['treated']['people']:,}",
            f"{one['conversion']['treated']['converted']:,}",
            format_share(one["conversion"]["treated"]["rate"]),
            _money(found, one["revenue"]["treated"]["net_minor"]),
            "–" if one["conversion"]["lift"] is None else _points(one["conversion"]["lift"]),
            one["conversion"]["verdict"],
        )
        for one in found["variants"]
    ]
    table(("variant", "people", "reached it", "share", "net", "lift", "verdict"), rows, numbers=range(1, 6))
    if found["winner"]:
        print(f"Winner: {found['winner']}.")
    elif len(rows) > 1:
        print("No winner: none is significantly ahead of every other one.")


def _print_occurrences(found: Json) -> None:
    rows = [
        (
            one["occurrence"],
            f"{one['audience']:,}",
            f"{one['accepted']:,}",
            _points(one["conversion"]["lift"]) if (one.get("conversion") or {}).get("lift") is not None else "–",
            one.get("verdict"),
        )
        for one in found["occurrences"]
    ]
    table(("occurrence", "audience", "accepted", "lift", "verdict"), rows, numbers=(1, 2, 3))


def _points(share: float) -> str:
    return f"{100 * share:+.2f} points".replace("-", "\N{MINUS SIGN}")


def _money(found: Json, minor: int | None) -> str:
    return format_money(minor, found["revenue"]["currency"])
