"""What people do on the site and in the product, as Segment-spec messages.

Visitors are anonymous first; signing up links their anonymous id to a user id. Messages are made as
bytes at once, since there are hundreds of thousands. Files, duplicates and broken lines are made in
event_files.py.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

import orjson

from pipelines.demo.clock import DAY, HOUR, MINUTE, WEEKDAY, iso
from pipelines.demo.desk import Diary
from pipelines.demo.mailing import Mailing
from pipelines.demo.outage import Outage
from pipelines.demo.people import Channel, Person

Json = dict[str, Any]

SITE = "https://northwind.example.com"
PATHS = {
    "Home": "/", "Pricing": "/pricing", "Docs": "/docs", "Blog": "/blog", "SQL Field Guide": "/guides/sql",
    "Dashboard Templates": "/templates",
}  # fmt: skip
# Who comes back was often led by the same hand as before.
LED_AGAIN = 0.3
USE = ("Project Created", "Report Exported", "Invited Teammate")
USE_WEIGHTS = (3, 6, 1)


class Message(NamedTuple):
    """One message: milliseconds, its name (a page's or an event's), and the line as bytes."""

    at: int
    name: str
    line: bytes


class Hand:
    """Writes the messages of one person or visitor."""

    def __init__(self, rng: Random, anonymous_id: str, channel: Channel, end: int, outage: Outage) -> None:
        self.rng, self._end, self._channel = rng, end * 1_000, channel
        self._down, self._up = outage.start * 1_000, outage.end * 1_000
        self.anonymous_id, self.user_id = anonymous_id, None
        self.messages: list[Message] = []
        self._is_led = True

    anonymous_id: str
    user_id: str | None

    def write(self, at: int, kind: str, label: str, **fields: Any) -> None:
        """Write one message at millisecond `at`, unless the story is over by then, or the site is down.

        Who somebody is and what they paid is told by servers that stayed up.
        """
        if at >= self._end or (self._down <= at < self._up and (kind == "page" or label in USE)):
            return
        identity = f"{self.rng.getrandbits(128):032x}"
        user = "" if self.user_id is None else f'"userId":"{self.user_id}",'
        # None of these needs escaping, and joining text takes half the time and memory of a whole dump.
        head = f'{{"messageId":"{identity}","type":"{kind}","timestamp":"{iso(at)}",'
        head += f'"anonymousId":"{self.anonymous_id}",{user}'
        self.messages.append(Message(at, label, head.encode() + orjson.dumps(fields)[1:]))

    def page(self, at: int, name: str, campaign: dict[str, str] | None = None) -> None:
        """A page view; the first one of a visit tells where the visitor came from, if anybody led there."""
        page = {"path": PATHS[name], "url": SITE + PATHS[name], "title": name}
        context: Json = {"page": page}
        if campaign is not None:
            context["campaign"] = campaign
        elif self._is_led:
            self._is_led = False
            page["referrer"] = self._channel.referrer
            if self._channel.campaign is not None:
                context["campaign"] = self._channel.campaign
        self.write(at, "page", name, name=name, properties=page, context=context)

    def track(self, at: int, event: str, properties: Json) -> None:
        """Something done in the product."""
        self.write(at, "track", event, event=event, properties=properties, context={"library": {"name": "northwind"}})

    def visit(self, at: int, pages: tuple[str, ...]) -> int:
        """Some pages one after the other; answers the millisecond after the last."""
        for name in pages:
            self.page(at, name)
            at += self.rng.randint(4_000, 150_000)
        self._is_led = self.rng.random() < LED_AGAIN
        return at

    def follow(self, at: int, mailing: Mailing) -> None:
        """A visit by the link in a mail."""
        self.page(at, mailing.page, {"source": "northwind", "medium": "email", "name": mailing.name})
        if self.rng.random() < 0.4:
            self.page(at + self.rng.randint(8_000, 200_000), "Pricing")


def visitor_messages(
    rng: Random, anonymous_id: str, channel: Channel, at: int, end: int, outage: Outage
) -> list[Message]:
    """Somebody who looks around, perhaps comes back, and never signs up."""
    hand = Hand(rng, anonymous_id, channel, end, outage)
    for _ in range(1 if rng.random() < 0.7 else 2):
        hand.visit(at * 1_000 + rng.randrange(1_000), _pages(rng, 0.28))
        at += rng.randint(HOUR, 12 * DAY)
    return hand.messages


def guest_messages(rng: Random, diary: Diary, user_id: str | None, end: int, outage: Outage) -> list[Message]:
    """Somebody looks at a download and buys it without signing in; `user_id` where the browser is known."""
    person = diary.person
    hand = Hand(rng, person.anonymous_id, person.channel, end, outage)
    hand.user_id = user_id
    started, _, details = diary.milestones[0]
    hand.visit((started - rng.randint(2, 20) * MINUTE) * 1_000, ("Home", details["product"]))
    _milestones(hand, diary)
    return hand.messages


def person_messages(rng: Random, diary: Diary, start: int, end: int, outage: Outage) -> list[Message]:
    """Everything that one customer does, from the first visit to the story's end."""
    person = diary.person
    hand = Hand(rng, person.anonymous_id, person.channel, end, outage)
    _before(hand, person, start)
    _sign_up(hand, person)
    _milestones(hand, diary)
    for at, mailing in diary.clicked:
        hand.follow(at * 1_000 + rng.randrange(400, 4_000), mailing)
    _use(hand, person, diary.spans, end)
    if rng.random() < 0.15:
        _second_device(hand, person, end)
    return hand.messages


def _milestones(hand: Hand, diary: Diary) -> None:
    for at, name, details in diary.milestones:
        hand.track(at * 1_000 + hand.rng.randrange(1_000), name, details)


def _pages(rng: Random, pricing: float) -> tuple[str, ...]:
    landing = rng.choices(("Home", "Blog", "Docs"), (5, 3, 1))[0]
    more = tuple(rng.choices(("Home", "Blog", "Docs"), k=rng.choice((0, 0, 1, 1, 2, 3))))
    return (landing, *more, *(("Pricing",) if rng.random() < pricing else ()))


def _before(hand: Hand, person: Person, start: int) -> None:
    """Visits of the three weeks before signing up, and the one that leads to it."""
    rng = hand.rng
    moments = sorted(person.signed_up_at - rng.randint(HOUR, 21 * DAY) for _ in range(rng.choice((0, 1, 1, 2, 3))))
    for moment in moments:
        if moment >= start:
            hand.visit(moment * 1_000 + rng.randrange(1_000), _pages(rng, 0.4))
    last = _pages(rng, 0.85)
    hand.visit((person.signed_up_at - 3 * MINUTE * len(last)) * 1_000, last)


def _sign_up(hand: Hand, person: Person) -> None:
    at = person.signed_up_at * 1_000 + hand.rng.randrange(1_000)
    hand.user_id = person.user_id
    _identify(hand, person, at)
    hand.track(at + 220, "Signed Up", {"channel": person.channel.name})


def _identify(hand: Hand, person: Person, at: int) -> None:
    traits = {"email": person.email, "first_name": person.first_name, "country": person.country.code}
    hand.write(at, "identify", "", traits=traits)


def _use(hand: Hand, person: Person, spans: list[tuple[int, int]], end: int) -> None:
    """Weeks of use: many sessions while there is access, a curious first week, little otherwise."""
    born = person.signed_up_at
    _sessions(hand, person, born + HOUR, min(born + 7 * DAY, end), 1 + 4 * person.engagement)
    for first, last in spans:
        for week in range(first, last, 7 * DAY):
            # Interest fades in the last month before somebody leaves.
            fading = 0.4 if last < end and week > last - 28 * DAY else 1.0
            _sessions(hand, person, week, min(week + 7 * DAY, last), (0.8 + 4.2 * person.engagement) * fading)
    gone = spans[-1][1] if spans else born + 7 * DAY
    for month in range(gone, end, 45 * DAY):
        if hand.rng.random() < 0.3 * person.engagement:
            hand.visit((month + hand.rng.randint(HOUR, 44 * DAY)) * 1_000, ("Docs",))


def _sessions(hand: Hand, person: Person, first: int, last: int, expected: float) -> None:
    """About `expected` sessions of full weeks in [first, last), in the person's working hours."""
    rng = hand.rng
    if last <= first:
        return
    days = range(first - first % DAY, last, DAY)
    weights = [WEEKDAY[(day // DAY + 3) % 7] for day in days]
    count = max(0, round(rng.gauss(expected, expected**0.5) * (last - first) / (7 * DAY)))
    for day in rng.choices(days, weights, k=count):
        local = rng.triangular(7 * HOUR, 20 * HOUR, 10.5 * HOUR)
        at = day + round(local - person.country.utc_offset * HOUR)
        if first <= at < last:
            _session(hand, at * 1_000 + rng.randrange(1_000))


def _session(hand: Hand, at: int) -> None:
    rng = hand.rng
    if rng.random() < 0.25:
        at = hand.visit(at, ("Docs",))
    for event in rng.choices(USE, USE_WEIGHTS, k=rng.choice((1, 1, 2, 2, 3, 4))):
        hand.track(at, event, _details(rng, event))
        at += rng.randint(10_000, 900_000)


def _details(rng: Random, event: str) -> Json:
    if event == "Report Exported":
        return {"format": rng.choice(("pdf", "csv", "xlsx")), "rows": rng.randint(10, 5_000)}
    if event == "Project Created":
        return {"template": rng.choice(("blank", "sales", "marketing"))}
    return {"role": rng.choice(("editor", "viewer"))}


def _second_device(hand: Hand, person: Person, end: int) -> None:
    """Some come back on another device: unknown at first, known again after logging in."""
    rng = hand.rng
    at = (person.signed_up_at + rng.randint(DAY, 60 * DAY)) * 1_000
    if at + 10 * MINUTE * 1_000 >= end * 1_000:
        return
    hand.anonymous_id, hand.user_id = f"anon-{rng.getrandbits(64):016x}", None
    hand.page(at, "Home")
    hand.user_id = person.user_id
    _identify(hand, person, at + 40_000)
    hand.track(at + 95_000, "Report Exported", _details(rng, "Report Exported"))
