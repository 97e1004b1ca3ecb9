"""Northwind Digital, a business that never was: simulated from a seed, written as files.

`make_business` is the whole way. The same arguments give the same bytes. The story ends at midnight
UTC of `until`, and nothing in it is later. Serving the files over HTTP is stripe_server.py's work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import orjson

from pipelines.demo import shapes_billing as shapes
from pipelines.demo.behaviour import Message, person_messages, visitor_messages
from pipelines.demo.books import Books
from pipelines.demo.catalogue import Catalogue, archive_old_prices, open_catalogue
from pipelines.demo.clock import DAY, HOUR, days, iso, liveliness, midnight, months_before
from pipelines.demo.desk import Agenda, Desk, Diary
from pipelines.demo.event_files import EventFiles, event_files
from pipelines.demo.life import Life
from pipelines.demo.people import draw_channel, draw_person
from pipelines.demo.planted_funnel import PlantedFunnel
from pipelines.demo.purchases import buy_as_guest, guest_moments
from pipelines.demo.rates import Rates
from pipelines.demo.truth import cash_truth, revenue_truth, story_days

Json = dict[str, Any]

EVENT_DAYS = 30
VISITORS_PER_CUSTOMER = 3


@dataclass(frozen=True)
class Business:
    """The finished story: Stripe objects by kind (plural) and id, event files, consents and the truth."""

    objects: dict[str, dict[str, Json]]
    events: EventFiles
    consents: list[Json]
    truth: Json


def make_business(folder: Path, *, until: date, customers: int = 2_000, months: int = 24, seed: int = 7) -> Business:
    """Simulate and write in one go; answers what was written."""
    business = simulate(customers, months, seed, until)
    write_business(business, folder)
    return business


def simulate(customers: int, months: int, seed: int, until: date) -> Business:
    """Tell the story of `customers` people who sign up in the `months` before `until`."""
    first = months_before(until, months)
    start, end = midnight(first), midnight(until)
    books = Books(seed, end, end - EVENT_DAYS * DAY)
    catalogue = open_catalogue(books, start, start + (end - start) * 2 // 5)
    rates = Rates(seed, first, until)
    moments = _moments(Random(f"{seed}:signups"), customers, first, until)
    diaries, messages, funnel = [], list[Message](), PlantedFunnel()
    for number, moment in enumerate(moments, start=1):
        desk = _new_desk(books, catalogue, rates, seed, number, moment)
        books.add(desk.customer, moment, "customer.created")
        Life(desk).live()
        done = person_messages(Random(f"{seed}:clicks:{number}"), desk.diary, start, end)
        funnel.count(done)
        messages += done
        diaries.append(desk.diary)
    _guests(books, catalogue, rates, seed, max(1, customers // 100), start)
    archive_old_prices(books, catalogue)
    messages += _visitors(seed, customers * VISITORS_PER_CUSTOMER, first, until, funnel)
    files = event_files(messages, Random(f"{seed}:files"))
    consents = _consents(Random(f"{seed}:consents"), diaries)
    truth = story_days(books, first) | {"seed": seed, "customers": customers}
    truth |= _counts(books, files, consents) | {"funnel": funnel.truth()}
    truth |= revenue_truth(diaries, first, until) | cash_truth(books)
    return Business(books.objects, files, consents, truth)


def write_business(business: Business, folder: Path) -> None:
    """Write `stripe/<kind>.jsonl`, `events/<month>.jsonl`, `consents.jsonl` and `truth.json`."""
    for name in ("stripe", "events"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for kind, objects in business.objects.items():
        ordered = sorted(objects.values(), key=_age)
        _write_lines(folder / "stripe" / f"{kind}.jsonl", [orjson.dumps(obj) for obj in ordered])
    for month, lines in business.events.lines.items():
        _write_lines(folder / "events" / f"{month}.jsonl", lines)
    _write_lines(folder / "consents.jsonl", [orjson.dumps(consent) for consent in business.consents])
    (folder / "truth.json").write_bytes(orjson.dumps(business.truth, option=orjson.OPT_INDENT_2) + b"\n")


def _age(obj: Json) -> tuple[int, str]:
    # An invoice item has a date instead, and of a deleted customer nothing is left to tell its age.
    return int(obj.get("created") or obj.get("date") or 0), str(obj["id"])


def _write_lines(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"\n".join([*lines, b""]) if lines else b"")


def _moments(rng: Random, count: int, first: date, until: date) -> list[int]:
    """When people come, in order: by day as lively as the day is, by hour as the day goes."""
    calendar = list(days(first, until))
    weights = [liveliness(day, first) for day in calendar]
    chosen = rng.choices(calendar, weights, k=count)
    return sorted(midnight(day) + round(rng.triangular(2 * HOUR, 23 * HOUR, 14 * HOUR)) for day in chosen)


def _new_desk(books: Books, catalogue: Catalogue, rates: Rates, seed: int, number: int, moment: int) -> Desk:
    rng = Random(f"{seed}:life:{number}")
    person = draw_person(rng, number, moment)
    customer = shapes.customer(books.new_id("cus_", 14), person, moment)
    return Desk(books, catalogue, rates, person, rng, Agenda(books.end), Diary(person), customer)


def _guests(books: Books, catalogue: Catalogue, rates: Rates, seed: int, count: int, start: int) -> None:
    for number, moment in enumerate(guest_moments(Random(f"{seed}:guests"), count, start, books), start=1_000_001):
        buy_as_guest(_new_desk(books, catalogue, rates, seed, number, moment), moment)


def _visitors(seed: int, count: int, first: date, until: date, funnel: PlantedFunnel) -> list[Message]:
    rng = Random(f"{seed}:visitors")
    messages: list[Message] = []
    for moment in _moments(rng, count, first, until):
        done = visitor_messages(rng, f"anon-{rng.getrandbits(64):016x}", draw_channel(rng), moment, midnight(until))
        funnel.count(done)
        messages += done
    return messages


def _consents(rng: Random, diaries: list[Diary]) -> list[Json]:
    """Four people in five agreed to mail, most of them while signing up."""
    consents = []
    for diary in diaries:
        if rng.random() < 0.8:
            source = rng.choices(("signup-form", "checkout", "newsletter-form"), (7, 2, 1))[0]
            proof = f"form:{source}:v2 ip:192.0.2.{rng.randint(1, 254)}"
            at = iso(diary.person.signed_up_at * 1_000)
            consents.append({"email": diary.person.email, "source": source, "at": at, "proof": proof})
    return consents


def _counts(books: Books, files: EventFiles, consents: list[Json]) -> Json:
    objects = {kind: len(rows) for kind, rows in books.objects.items()}
    deleted = sum(1 for customer in books.objects["customers"].values() if customer.get("deleted"))
    events = {"valid_distinct": files.valid, "duplicates": files.duplicates, "broken_lines": files.broken}
    return {"objects": objects, "customers_deleted": deleted, "events": events, "consents": len(consents)}
