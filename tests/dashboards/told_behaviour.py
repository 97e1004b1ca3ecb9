"""What the commands say to Funnel, Trends, Paths and Retention: texts in the order of the page, and charts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dashboards.parts.numbers import change, count, counted, figure, length, percent
from dashboards.parts.times import long_day, short_day
from pipelines.money import format_money
from tests.dashboards.asking import LAST, Ask, Row, people, share
from tests.dashboards.reading import Columns

STEPS = {"steps": "Home~Signed Up", "window": "7 days"}
QUESTION = {
    "steps": [{"event": "Home"}, {"event": "Signed Up"}],
    "window": {"value": 7, "unit": "day"},
    "date_from": "2026-10-25",
    "date_to": LAST,
}


def funnel_people(ask: Ask) -> Iterator[str]:
    """The funnel, and the people who came to its last step."""
    yield from funnel(ask)
    last, known = ask("funnel", "--users", query=QUESTION)["steps"][-1], ask.everybody()
    yield f"{count(last['users'])} people."
    yield from people(ask, sorted(last["user_ids"], key=lambda person: (person not in known, person)))


def funnel_dropped(ask: Ask) -> Iterator[str]:
    """The funnel, and the people who came to its first step and no further."""
    yield from funnel(ask)
    first, last = (set(step["user_ids"]) for step in ask("funnel", "--users", query=QUESTION)["steps"])
    known, dropped = ask.everybody(), first - last
    yield f"{count(len(dropped))} people."
    yield from people(ask, sorted(dropped, key=lambda person: (person not in known, person)))


def funnel(ask: Ask) -> Iterator[str]:
    """The sentence (over the picture and in it) and the table."""
    steps = ask("funnel", "--users", query=QUESTION)["steps"]
    first, last = steps[0], steps[-1]
    for _ in ("the line", "the picture"):
        yield f"Of {count(first['users'])} people who began with “Home”, {count(last['users'])}"
        yield f"({percent(last['conversion_from_start'])}) came as far as “Signed Up”"
    for step, before in zip(steps, [None, *steps], strict=False):
        yield f"{step['step'] + 1}. {step['event']}"
        yield f"{count(step['users'])} {percent(step['conversion_from_start'])}"
        yield percent(step["conversion_from_previous"])
        yield "–" if before is None else count(before["users"] - step["users"])
        yield f"{length(step['average_conversion_seconds'])} {length(step['median_conversion_seconds'])}"


def funnel_of_the_first(ask: Ask) -> list[Columns]:
    """A bar per step with its share of the first."""
    return _bars(ask, "conversion_from_start")


def funnel_of_the_before(ask: Ask) -> list[Columns]:
    """The same with its share of the step before."""
    return _bars(ask, "conversion_from_previous")


def _bars(ask: Ask, base: str) -> list[Columns]:
    steps = ask("funnel", "--users", query=QUESTION)["steps"]
    beside = [f" ({percent(step[base])})" if step[base] is not None else "" for step in steps]
    return [
        {
            "step": [f"{step['step'] + 1}. {step['event']}" for step in steps],
            "users": [step["users"] for step in steps],
            "label": [count(step["users"]) + share for step, share in zip(steps, beside, strict=True)],
        }
    ]


SPLIT = {
    "steps": "Home~Signed Up!optional~stripe:invoice_paid",
    "window": "90 days",
    "split": "referrer",
    "days": ["2026-09-01", LAST],
}
_SPLIT = QUESTION | {
    "date_from": "2026-09-01",
    "steps": [{"event": "Home"}, {"event": "Signed Up", "optional": True}, {"event": "stripe:invoice_paid"}],
    "window": {"value": 90, "unit": "day"},
    "breakdown": {"property": "referrer"},
}


def funnel_split(ask: Ask) -> Iterator[str]:
    """A funnel with an optional step and a step of money, and the same by value."""
    told = ask("funnel", query=_SPLIT)
    first, last = told["steps"][0], told["steps"][-1]
    for _ in ("the line", "the picture"):
        yield f"Of {count(first['users'])} people who began with “Home”, {count(last['users'])}"
        yield f"({percent(last['conversion_from_start'])}) came as far as “stripe:invoice_paid”"
    for step, before in zip(told["steps"], [None, first, first], strict=True):
        yield f"{step['step'] + 1}. {step['event']}"
        yield f"{count(step['users'])} {percent(step['conversion_from_start'])}"
        yield percent(step["conversion_from_previous"])
        yield "–" if before is None else count(before["users"] - step["users"])
        yield f"{length(step['average_conversion_seconds'])} {length(step['median_conversion_seconds'])}"
        if step.get("revenue"):
            yield ", ".join(format_money(part["amount_minor"], part["currency"]) for part in step["revenue"])
    for part in told["breakdown"][:12]:
        value = {None: "(none)", "": "(empty)"}.get(part["value"], part["value"])
        yield " ".join([value, *(count(step["users"]) for step in part["steps"])])
        yield percent(part["steps"][-1]["conversion_from_start"])
    assert last["users"]
    assert len(told["breakdown"]) > 1


def funnel_split_charts(ask: Ask) -> list[Columns]:
    """A bar per step."""
    steps = ask("funnel", query=_SPLIT)["steps"]
    names = ["Home", "Signed Up, optional", "stripe:invoice_paid"]
    return [
        {
            "step": [f"{number}. {name}" for number, name in enumerate(names, start=1)],
            "users": [step["users"] for step in steps],
            "label": [f"{count(step['users'])} ({percent(step['conversion_from_start'])})" for step in steps],
        }
    ]


TIMES = STEPS | {"graph": "times"}


def times(ask: Ask) -> Iterator[str]:
    """What the bars tell in a sentence, over the picture and in it."""
    told = _times(ask)
    people = sum(users for _, users in told["bins"])
    assert people
    for _ in ("the line", "the picture"):
        yield f"{count(people)} people came through, on average in {length(told['average_seconds'])}"
        yield f"half of them within {length(told['median_seconds'])}"


def times_charts(ask: Ask) -> list[Columns]:
    """A bar for each stretch of time."""
    bins = _times(ask)["bins"]
    return [
        {
            "step": [f"{number}. from {length(start)}" for number, (start, _) in enumerate(bins, start=1)],
            "users": [users for _, users in bins],
            "label": [count(users) for _, users in bins],
        }
    ]


def _times(ask: Ask) -> Row:
    return ask("funnel", query=QUESTION | {"kind": "funnel_time_to_convert"})


def trend(ask: Ask) -> Iterator[str]:
    """What the line tells, and the weeks, the newest first."""
    told = _trend(ask)
    periods, entered = told["periods"], sum(period["entered"] for period in told["periods"])
    assert entered
    assert {True, False} == set(told["is_final"])
    yield f"Conversion by period of entry, {len(periods)} periods; {count(entered)} entries"
    yield f"The last {told['is_final'].count(False)} can still grow"
    for period in reversed(periods):
        rate = percent(period["conversion_rate"] / 100) if period["entered"] else "–"
        yield f"{count(period['entered'])} {count(period['converted'])} {rate}"


def trend_charts(ask: Ask) -> list[Columns]:
    """The rate of each week: those that are final, and the last of them on with those that can still grow."""
    told = _trend(ask)
    rates = [period["conversion_rate"] if period["entered"] else None for period in told["periods"]]
    last = max((number for number, final in enumerate(told["is_final"]) if final), default=-1)
    return [
        {
            "label": [short_day(date.fromisoformat(period["period_start"])) for period in told["periods"]],
            "Final": [rate if number <= last else None for number, rate in enumerate(rates)],
            "Can still grow": [rate if number >= last else None for number, rate in enumerate(rates)],
        }
    ]


def retention_people(ask: Ask) -> Iterator[str]:
    """The cohorts in people."""
    return _retention(ask, shares=False)


def retention_shares(ask: Ask) -> Iterator[str]:
    """The cohorts in shares of their size."""
    return _retention(ask, shares=True)


def shades(ask: Ask) -> list[float]:
    """The shares that cells are coloured by: returns, not the cohort itself, as far as anybody came back."""
    told = _cohorts(ask)
    means = [share for share in told["average"][1:] if share]
    return means + [cell / row[0] for row in told["matrix"] for cell in row[1:] if cell]


def _retention(ask: Ask, *, shares: bool) -> Iterator[str]:
    told = _cohorts(ask)
    starts = sum(row[0] for row in told["matrix"])
    yield f"{count(starts)} starts in 8 weeks; {percent(told['average'][1])} came back in the week after"
    yield f"Weighted average {count(starts)} {' '.join(map(percent, told['average']))}"
    assert not all(told["is_over"])
    for number, (start, row) in enumerate(zip(told["cohort_starts"], told["matrix"], strict=True)):
        yield f"{long_day(date.fromisoformat(start))} {count(row[0])}"
        for column, cell in enumerate(row):
            if cell is not None:
                over = told["is_over"][number + column]
                yield f"{count(cell)} of {count(row[0])}{'' if over else ', not complete'}"
                yield (share(cell, row[0]) if shares else count(cell)) + ("" if over else "*")


def _cohorts(ask: Ask) -> Row:
    return ask("retention", query={"target_event": "Home", "period": "week", "intervals": 8, "date_to": LAST})


def _trend(ask: Ask) -> Row:
    return ask("funnel", query=QUESTION | {"kind": "funnel_trends", "interval": "week"})


SERIES = {"series": "Home!unique!~Signed Up!unique!", "by": "week", "days": ["2026-09-30", LAST]}
COUNTS = [{"event": "Home", "measure": "unique"}, {"event": "Signed Up", "measure": "unique"}]
PERIODS = {"interval": "week", "date_from": "2026-09-30", "date_to": LAST}


def trends(ask: Ask) -> Iterator[str]:
    """Two lines, split by the path of a page, beside the weeks before."""
    return _trends(_counts(ask, breakdown={"property": "path"}, compare="previous"), " people")


def trends_charts(ask: Ask) -> list[Columns]:
    """The lines, and the last of their whole weeks on with the one that is not over."""
    return _lines(_counts(ask, breakdown={"property": "path"}, compare="previous"))


def ratio(ask: Ask) -> Iterator[str]:
    """A formula of two series."""
    return _trends(_counts(ask, formula="B / A", compare="previous"), "")


def ratio_charts(ask: Ask) -> list[Columns]:
    """Its line, and the weeks before."""
    return _lines(_counts(ask, formula="B / A", compare="previous"))


def _counts(ask: Ask, **more: object) -> Row:
    return ask("trends", query={"series": COUNTS, **PERIODS, **more})


def _drawn(told: Row) -> list[Row]:
    return [line for line in told["series"] if line["overall"] or line["previous_overall"]]


def _trends(told: Row, unit: str) -> Iterator[str]:
    lines = _drawn(told)
    assert told["is_complete"] == [False, *[True] * 7, False]
    assert lines[0]["overall"]
    for _ in ("the line", "the picture"):
        yield f"{lines[0]['name']}: {figure(lines[0]['overall'])}{unit} in {counted(len(told['periods']), 'week')}"
        yield f", {figure(lines[0]['previous_overall'])} in those before"
    for line in lines:
        moved = change(line["overall"], line["previous_overall"]).text
        yield f"{line['name']} {figure(line['overall'])} {figure(line['previous_overall'])} {moved}"
    columns = [line["values"] for line in lines] + ([lines[0]["previous"]] if len(lines) == 1 else [])
    for number in reversed(range(len(told["periods"]))):
        yield " ".join(figure(column[number]) for column in columns)


def _lines(told: Row) -> list[Columns]:
    lines = _drawn(told)
    last = max(number for number, whole in enumerate(told["is_complete"]) if whole)
    found: Columns = {"label": [short_day(date.fromisoformat(period)) for period in told["periods"]]}
    for line in lines:
        found[line["name"]] = [value if number <= last else None for number, value in enumerate(line["values"])]
        tail = [value if number >= last else None for number, value in enumerate(line["values"])]
        found[f"{line['name']} (so far)"] = tail
    if len(lines) == 1:
        found["The period before"] = lines[0]["previous"]
    return [found]


WALK = {"event": "Home", "days": ["2026-09-01", LAST]}
BACK = {"event": "Signed Up", "direction": "previous", "days": ["2026-09-01", LAST]}


def paths_next(ask: Ask) -> Iterator[str]:
    """What came after Home."""
    return _paths(ask, "Home", "next")


def paths_before(ask: Ask) -> Iterator[str]:
    """What came before a sign-up."""
    return _paths(ask, "Signed Up", "previous")


def bands_next(ask: Ask) -> list[Columns]:
    """A band per row of the table."""
    return _bands(ask, "Home", "next")


def bands_before(ask: Ask) -> list[Columns]:
    """A band per row of the table."""
    return _bands(ask, "Signed Up", "previous")


def _found(ask: Ask, event: str, direction: str) -> tuple[Row, list[tuple[str, int]]]:
    told = ask("paths", query={"event": event, "direction": direction, "date_from": "2026-09-01", "date_to": LAST})
    end = "to" if direction == "next" else "from"
    rows = [(link[end], link["sessions"]) for link in told["links"]]
    assert rows
    if told["other"]["events"]:
        rows.append((counted(told["other"]["events"], "other event"), told["other"]["sessions"]))
    if told["none"]:
        rows.append((f"nothing {'after' if direction == 'next' else 'before'} it", told["none"]))
    return told, rows


def _paths(ask: Ask, event: str, direction: str) -> Iterator[str]:
    told, rows = _found(ask, event, direction)
    for _ in ("the line", "the picture"):
        yield f"{counted(told['sessions'], 'session')} with “{event}”; most often “{rows[0][0]}” came"
        yield f"{count(rows[0][1])} ({share(rows[0][1], told['sessions'])})"
    for words, sessions in rows:
        yield f"{words} {count(sessions)} {share(sessions, told['sessions'])}"
    yield "A session ends after 30 minutes"


def _bands(ask: Ask, event: str, direction: str) -> list[Columns]:
    told, rows = _found(ask, event, direction)
    middle, ends = [f"{event}  {count(told['sessions'])}"] * len(rows), [f"{words}  {count(n)}" for words, n in rows]
    sides = {"from": middle, "to": ends} if direction == "next" else {"from": ends, "to": middle}
    return [{**sides, "sessions": [sessions for _, sessions in rows]}]
