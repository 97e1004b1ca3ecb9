"""Northwind Digital, a business that never was: simulated from a seed, written as files.

`make_business` is the whole way. The same arguments give the same bytes. The story ends at midnight
UTC of `until`, and nothing in it is later. Serving the files over HTTP is stripe_server.py's work.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import orjson

from pipelines.demo import shapes_billing as shapes
from pipelines.demo.behaviour import Message, guest_messages, person_messages, visitor_messages
from pipelines.demo.books import Books
from pipelines.demo.catalogue import archive_old_prices, open_catalogue
from pipelines.demo.clock import DAY, HOUR, days, iso, liveliness, midnight, months_before
from pipelines.demo.coupons import open_offers
from pipelines.demo.desk import Agenda, Desk, Diary, World
from pipelines.demo.event_files import EventFiles, event_files
from pipelines.demo.life import Life
from pipelines.demo.mailing import Mailings
from pipelines.demo.outage import draw_outage
from pipelines.demo.payouts import pay_out
from pipelines.demo.people import Person, draw_channel, draw_person
from pipelines.demo.planted_funnel import PlantedFunnel
from pipelines.demo.purchases import buy_as_guest, guest_moments
from pipelines.demo.rates import Rates
from pipelines.demo.sessions import Sessions
from pipelines.demo.truth import cash_truth, people_truth, revenue_truth, story_days

Json = dict[str, Any]

EVENT_DAYS = 30
VISITORS_PER_CUSTOMER = 3
CUSTOMERS_PER_GUEST = 30
KNOWN_GUESTS = 0.25


@dataclass(frozen=True)
class Business:
    """The finished story: Stripe objects by kind (plural) and id, event files, consents and the truth."""

    objects: dict[str, dict[str, Json]]
    events: EventFiles
    consents: list[Json]
    mailings: Mailings
    truth: Json


@dataclass
class _Told:
    """What was told so far."""

    diaries: list[Diary] = field(default_factory=list)
    guests: list[Diary] = field(default_factory=list)
    consents: list[Json] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    funnel: PlantedFunnel = field(default_factory=PlantedFunnel)
    sessions: Sessions = field(default_factory=Sessions)

    def take(self, person: str, messages: list[Message]) -> None:
        """Messages of one person."""
        self.messages += messages
        self.sessions.take(person, messages)


def make_business(folder: Path, *, until: date, customers: int = 2_000, months: int = 24, seed: int = 7) -> Business:
    """Simulate and write in one go; answers what was written."""
    business = simulate(customers, months, seed, until)
    write_business(business, folder)
    return business


def simulate(customers: int, months: int, seed: int, until: date) -> Business:
    """Tell the story of `customers` people who sign up in the `months` before `until`."""
    collecting = gc.isenabled()
    # Nearly everything that is made stays: looking for garbage again and again would cost a fifth of the time.
    gc.disable()
    try:
        return _simulate(customers, months, seed, until)
    finally:
        if collecting:
            gc.enable()


def _simulate(customers: int, months: int, seed: int, until: date) -> Business:
    first = months_before(until, months)
    world = _open_world(seed, first, until)
    told = _Told()
    moments = _moments(Random(f"{seed}:signups"), customers, first, until)
    for number, moment in enumerate(moments, start=1):
        _tell_life(world, told, number, world.outage.after(moment, Random(f"{seed}:queue:{number}")))
    _tell_guests(world, told, max(1, customers // CUSTOMERS_PER_GUEST))
    _tell_visitors(world, told, customers * VISITORS_PER_CUSTOMER, first, until)
    _close_books(world)
    files = event_files(told.messages, Random(f"{seed}:files"))
    truth = story_days(world.books, first) | {"seed": seed, "customers": customers}
    truth |= _counts(world.books, files, told.consents) | {"funnel": told.funnel.truth()}
    truth |= revenue_truth(told.diaries, first, until) | cash_truth(world.books)
    truth |= {
        "sessions_by_month": told.sessions.by_month(),
        "people": people_truth(told.diaries, told.guests, world.books),
        "campaigns": world.mailings.truth(
            {diary.person.user_id: diary.paid for diary in told.diaries},
            {diary.person.user_id: diary.by_mail for diary in told.diaries},
        ),
    }
    return Business(world.books.objects, files, told.consents, world.mailings, truth)


def write_business(business: Business, folder: Path) -> None:
    """Write what each system would know, and the truth.

    `stripe/<kind>.jsonl`, `events/<month>.jsonl`, `consents.jsonl`, `campaigns.json`,
    `email/<campaign>.jsonl` (the mail provider's events) and `truth.json`.
    """
    for name in ("stripe", "events", "email"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for kind, objects in business.objects.items():
        ordered = sorted(objects.values(), key=_age)
        _write_lines(folder / "stripe" / f"{kind}.jsonl", [orjson.dumps(obj) for obj in ordered])
    for month, lines in business.events.lines.items():
        _write_lines(folder / "events" / f"{month}.jsonl", lines)
    _write_lines(folder / "consents.jsonl", [orjson.dumps(consent) for consent in business.consents])
    campaigns = orjson.dumps(business.mailings.documents(), option=orjson.OPT_INDENT_2)
    (folder / "campaigns.json").write_bytes(campaigns + b"\n")
    for sent in business.mailings.had_audience():
        told = sorted(sent.events, key=lambda event: (event["timestamp"], event["sg_event_id"]))
        _write_lines(folder / "email" / f"{sent.mailing.name}.jsonl", [orjson.dumps(event) for event in told])
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


def _open_world(seed: int, first: date, until: date) -> World:
    start, end = midnight(first), midnight(until)
    books = Books(seed, end, end - EVENT_DAYS * DAY)
    catalogue = open_catalogue(books, start, start + (end - start) * 2 // 5)
    offers, rates = open_offers(books, start), Rates(seed, first, until)
    return World(seed, start, books, catalogue, offers, rates, draw_outage(seed, first, until),
                 Mailings(seed, start, end))  # fmt: skip


def _close_books(world: World) -> None:
    """What follows from everything that happened, and needs nobody's decision."""
    archive_old_prices(world.books, world.catalogue)
    world.offers.close_expired()
    pay_out(world.books, world.start)
    for price in world.books.objects["prices"].values():
        if price["recurring"] is not None:
            world.books.add(shapes.plan_mirror(price), price["created"])


def _tell_life(world: World, told: _Told, number: int, moment: int) -> None:
    rng = Random(f"{world.seed}:life:{number}")
    desk = _new_desk(world, draw_person(rng, number, moment), moment, rng)
    desk.diary.customer_id = desk.customer["id"]
    desk.consent = _draw_consent(Random(f"{world.seed}:consents:{number}"), desk.person)
    if desk.consent is not None:
        told.consents.append(desk.consent)
    world.books.add(desk.customer, moment, "customer.created")
    Life(desk).live()
    clicks = Random(f"{world.seed}:clicks:{number}")
    done = person_messages(clicks, desk.diary, world.start, world.books.end, world.outage)
    told.funnel.count(done)
    told.take(desk.person.user_id, done)
    told.diaries.append(desk.diary)


def _new_desk(world: World, person: Person, moment: int, rng: Random) -> Desk:
    customer = shapes.customer(world.books.new_id("cus_", 14), person, moment)
    return Desk(world, person, rng, Agenda(world.books.end), Diary(person), customer)


def _tell_guests(world: World, told: _Told, count: int) -> None:
    """Some who buy without signing in are strangers, others are users whom only their address gives away."""
    moments = guest_moments(Random(f"{world.seed}:guests"), count, world.start, world.books)
    for number, moment in enumerate(moments, start=1_000_001):
        rng = Random(f"{world.seed}:life:{number}")
        person, user_id = draw_person(rng, number, moment), None
        here = [diary.person for diary in told.diaries if diary.person.signed_up_at < moment - DAY]
        if here and rng.random() < KNOWN_GUESTS:
            person = rng.choice(here)
            user_id = person.user_id
        desk = _new_desk(world, person, moment, rng)
        buy_as_guest(desk, moment, user_id)
        done = guest_messages(rng, desk.diary, user_id, world.books.end, world.outage)
        told.take(user_id or person.anonymous_id, done)
        told.guests.append(desk.diary)


def _tell_visitors(world: World, told: _Told, count: int, first: date, until: date) -> None:
    rng = Random(f"{world.seed}:visitors")
    for moment in _moments(rng, count, first, until):
        visitor = f"anon-{rng.getrandbits(64):016x}"
        done = visitor_messages(rng, visitor, draw_channel(rng), moment, world.books.end, world.outage)
        told.funnel.count(done)
        told.take(visitor, done)


def _draw_consent(rng: Random, person: Person) -> Json | None:
    """Four people in five agreed to mail, most of them while signing up."""
    if rng.random() >= 0.8:
        return None
    source = rng.choices(("signup-form", "checkout", "newsletter-form"), (7, 2, 1))[0]
    proof = f"form:{source}:v2 ip:192.0.2.{rng.randint(1, 254)}"
    return {"email": person.email, "source": source, "at": iso(person.signed_up_at * 1_000), "proof": proof}


def _counts(books: Books, files: EventFiles, consents: list[Json]) -> Json:
    objects = {kind: len(rows) for kind, rows in books.objects.items()}
    deleted = sum(1 for customer in books.objects["customers"].values() if customer.get("deleted"))
    events = {
        "valid_distinct": files.valid, "duplicates": files.duplicates, "broken_lines": files.broken,
        "unknown_field": files.unknown_field, "clock_ahead": files.clock_ahead,
    }  # fmt: skip
    return {"objects": objects, "customers_deleted": deleted, "events": events, "consents": len(consents)}
