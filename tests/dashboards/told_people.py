"""What the commands say to Segments, Campaigns, Customers and Data health, in the order of each page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dashboards.parts.campaign_earned import points, signed
from dashboards.parts.money import money
from dashboards.parts.numbers import count, counted
from dashboards.parts.segment_past import CHANGES, STAYS
from tests.dashboards.asking import PAGE, Ask, Row, mrr_of, pages, people, share
from tests.dashboards.places import CAMPAIGN, WAITING
from tests.dashboards.reading import readable
from tests.dashboards.told_overview import since, strip

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT.*")
ON_TILES = {"name", "first_name", "mrr_minor", "lifetime_value_minor", "customer_since", "subscription_status"}


def segment(ask: Ask) -> Iterator[str]:
    """The list; then one opened: its sentence, figures, losses and people."""
    for one in ask("segment", "list")["segments"]:
        assert one["members"]
        yield f"{one['name']} {count(one['members'])} {', '.join(one['campaigns']) or '–'}"
    told = ask("segment", "preview", "visitors")
    assert told["size"] < told["people"]
    yield told["sentence"]
    yield f"People {count(told['size'])} Share of all {share(told['size'], told['people'])}"
    yield f"May be mailed {count(told['mailable'])}"
    if told["not_mailable"]:
        yield "Not mailed: " + _reasons(told["not_mailable"])
    for row in told["loss_by_rule"]:
        yield f"{row['words']} {count(row['left'])} {count(row['lost'])}"
    yield from people(ask, ask("segment", "members", "visitors")["members"])
    past = ask("segment", "members", "visitors", "--history")
    for row in reversed(past["history"][-CHANGES:]):
        yield f"{count(row['entered'])} {count(row['left'])} {count(row['members'])}"
    assert past["stays"]
    yield f"The {STAYS} newest"
    shared = ask("segment", "overlap", "everybody", "visitors")
    sizes = {one["segment"]: one["size"] for one in shared["segments"]}
    (pair,) = shared["pairs"]
    for name, size in sizes.items():
        cells = [size if name == other else pair["both"] for other in sizes]
        yield " ".join([name, *(f"{count(people)} ({share(people, size)})" for people in cells)])
    yield f"{count(shared['in_all'])} are in all of them, {count(shared['in_any'])} in any"


def campaign(ask: Ask) -> Iterator[str]:
    """The list; then one that was sent: certificate, states, reasons, what the mailer told, the people mailed."""
    yield from _campaigns(ask)
    told = ask("campaign", "report", CAMPAIGN, "--recipients")
    yield _holdout(ask, CAMPAIGN)
    yield told["certificate"]
    for state, number in told["states"].items():
        if number:
            yield f"{_plain(state)} {count(number)} {share(number, told['audience'])}"
    for reason, number in sorted(told["reasons"].items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"{_plain(reason)} {count(number)}"
    assert told["events"]
    base = told["accepted"] + told["ambiguous"]
    yield f"sent {count(base)}"
    way = [outcome for outcome in ("delivered", "opened", "clicked") if outcome in told["events"]]
    for outcome in way:
        yield f"{outcome} {count(told['events'][outcome])} {share(told['events'][outcome], base)}"
    rate, earned = told["conversion"]["treated"], told["revenue"]
    yield f"reached the goal {count(rate['converted'])} {share(rate['converted'], rate['people'])}"
    yield f"paid, net {money(earned['treated']['net_minor'], earned['currency'])}"
    for outcome, number in told["events"].items():
        if outcome not in way:
            yield f"{outcome} {count(number)} {share(number, base)}"
    yield from _earned(told)
    yield from people(ask, [one["person_id"] for one in told["recipients"] if one["state"] == "accepted"])


def _earned(told: Row) -> Iterator[str]:
    """Goal, lift of people and of money, both groups, last touch."""
    goal, conversion, revenue = told["goal"], told["conversion"], told["revenue"]
    assert conversion["treated"]["converted"]
    yield f"{goal['event']} within {goal['within']} of the mail"
    low, high = (points(end) for end in conversion["interval"])
    yield f"{points(conversion['lift'])} {low} to {high}"
    yield f"{signed(round(conversion['incremental']))} people {_plain(conversion['verdict'])}"
    amounts = [money(minor, revenue["currency"]) for minor in (revenue["lift_minor"], *revenue["interval_minor"])]
    yield f"{amounts[0]} per person {amounts[1]} to {amounts[2]}"
    yield f"{money(revenue['incremental_minor'], revenue['currency'])} {_plain(revenue['verdict'])}"
    if conversion["verdict"] == "underpowered" and conversion["needed_people"]:
        yield f"takes {count(conversion['needed_people'])} people each"
    for group in ("treated", "holdout"):
        rate, paid = conversion[group], revenue[group]
        yield f"{count(rate['people'])} {count(rate['converted'])} {share(rate['converted'], rate['people'])}"
        for name in ("gross", "refunds", "discounts", "net", "net_per_person"):
            yield money(paid[f"{name}_minor"], revenue["currency"])
    touched = told["last_touch"]
    yield f"{count(touched['payments'])} payments"
    yield money(touched["net_minor"], touched["currency"])


def waiting_campaign(ask: Ask) -> Iterator[str]:
    """The list; then one that waits: its audience, the mail of the first reader, and how many it is sent to."""
    yield from _campaigns(ask)
    told = ask("campaign", "preview", WAITING)
    yield _holdout(ask, WAITING)
    yield f"Would be mailed {count(told['planned'])} Held out, to compare {count(told['holdout'])}"
    for reason, number in told["excluded"].items():
        yield f"No mail: {_plain(reason)} {count(number)}"
    yield f"Audience {count(told['audience'])}"
    for finding in told["findings"]:
        yield f"{finding['level']} {finding['place']} {finding['message']}"
    mail = ask("campaign", "preview", WAITING, "--person", told["sample"][0]["person_id"])["mail"]
    yield f"To {mail['to']} Subject: {mail['subject']}"
    # Once as wide as the page allows, once on a phone.
    yield from [" ".join(readable(mail["html"]))] * 2
    yield mail["text"]
    yield f"Send to {count(told['planned'])} people"


def customers(ask: Ask) -> Iterator[str]:
    """A page of the list."""
    found = ask("customer", "list", "--sort", "lifetime", "--limit", str(PAGE))
    yield from pages(found["total"])
    yield f"1 to {len(found['rows'])} of {count(found['total'])}"
    for row in found["rows"]:
        yield f"{row['name'] or row['person_id']} {row['email'] or '–'} {row['plan'] or '–'}"
        yield mrr_of(row)
        yield money(row["lifetime_value_minor"], row["currency"]) if row["currency"] else "–"


def richest(ask: Ask) -> str:
    """The id of the customer who pays most."""
    return str(ask("customer", "list", "--limit", "1")["rows"][0]["person_id"])


def customer(ask: Ask) -> Iterator[str]:
    """One customer: tiles, permission, segments, traits, and the first page of the story."""
    told = ask("customer", "show", richest(ask))
    traits, story = told["person"], told["timeline"]
    yield f"{traits['email']} · {traits['person_id']}"
    yield f"MRR {money(traits['mrr_minor'], traits['mrr_currency'])}"
    yield f"Paid in all {money(traits['lifetime_value_minor'], traits['currency'])}"
    yield counted(traits["payments_count"], "payment")
    yield "may be sent" if told["may_be_mailed"] else "not sent"
    yield from (stay["segment"] for stay in told["segments"])
    for name, value in traits.items():
        if name not in ON_TILES and value not in (None, [], 0, False):
            yield f"{_plain(name)} {_trait(value)}"
    yield _counted(story["by_kind"])
    yield from pages(story["total"], 50)
    for row in story["rows"]:
        yield f"{row['kind']} {_plain(row['what'])} {_detail(row)}"
        yield "–" if row["amount_minor"] is None else money(row["amount_minor"], row["currency"])


def data_health(ask: Ask) -> Iterator[str]:
    """The strip, builds, sources, checks with rows that failed, what is new at Stripe, loads."""
    told = ask("doctor")
    yield from strip(ask)
    for build in told["builds"]:
        number = build["snapshot"]
        yield f"{build['outcome']} {'–' if number is None else number} {build['reason'] or '–'}"
    for source in told["sources"]:
        yield f"{source['source']} {count(source['row_count'])}"
        yield since(source["last_loaded_at"], told) if source["last_loaded_at"] else "–"
        yield count(source["quarantined"])
    failing = sum(not check["is_passed"] for check in told["checks"])
    total = len(told["checks"])
    yield f"{failing} of {total} failing." if failing else f"All {total} passed."
    for check in told["checks"]:
        yield "passed" if check["is_passed"] else "failed"
        yield from re.findall(r"[0-9][0-9a-z]*", check["name"])
        yield f"{check['table_name'] or ''} {check['failing_rows']} {check['severity']}"
        yield f"{check['message'] or ''} {check['engine']}"
    for row in told["failing_rows"]:
        yield row["row_key"]
        yield from re.findall(r"-?[0-9]+", row["row_values"])
    for row in told["balance"]:
        counts = " ".join(count(row[name]) for name in ("balance_transactions", "payouts", "payouts_listed"))
        yield f"{row['currency']} {counts} {money(row['unexplained_minor'], row['currency'])}"
    for row in told["unexplained"]:
        yield f"{row['id']} {row['source_id'] or '–'}"
        yield from (money(row[f"{name}_minor"], row["currency"]) for name in ("booked", "explained", "unexplained"))
    for value in told["unknown_values"]:
        yield f"{value['value']} {value['field']} {value['table_name']} {value['row_count']}"
    for row in told["plan_violations"]:
        yield f"{row['event']} {row['property'] or '–'} {row['problem']} {count(row['event_count'])}"
        yield row["last_event_id"]
    for load in told["loads"]:
        counts = " ".join(str(load[name]) for name in ("read", "loaded", "duplicates", "unchanged", "quarantined"))
        yield f"{load['source']} {load['input_name']} {counts}"


def _campaigns(ask: Ask) -> Iterator[str]:
    listed = ask("campaign", "list")["campaigns"]
    for one in sorted(listed, key=lambda row: (row["updated_at"], row["name"]), reverse=True):
        told = ask("campaign", "report", one["name"])
        counts = " ".join(count(told[name]) for name in ("audience", "accepted", "ambiguous", "excluded", "open"))
        yield f"{ask('campaign', 'show', one['name'])['document']['segment']} {counts}"


def _holdout(ask: Ask, name: str) -> str:
    document = ask("campaign", "show", name)["document"]
    return f"segment {document['segment']} · holdout {document['holdout']:.0%}"


def _plain(code: str) -> str:
    return code.replace("_", " ")


def _counted(numbers: dict[str, int]) -> str:
    return " · ".join(f"{kind} {count(number)}" for kind, number in numbers.items())


def _reasons(numbers: dict[str, int]) -> str:
    return ", ".join(f"{_plain(reason)} {count(number)}" for reason, number in numbers.items())


def _trait(value: Any) -> str:
    if value is True:
        return "yes"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, int):
        return count(value)
    # A moment is told in other words; what else stands beside the name is the next text's to find.
    return "" if MOMENT.fullmatch(str(value)) else str(value)


def _detail(row: Row) -> str:
    told = ", ".join(f"{name}: {value}" for name, value in row["properties"].items() if value is not None)
    words = str(row["detail"] or "–")
    text = told or (_plain(words) if row["kind"] == "mrr" else words)
    return text if len(text) <= 140 else f"{text[:139]}…"
