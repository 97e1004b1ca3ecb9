"""The past campaigns: who was in the audience, who was held out, what the provider told of each mail.

The effect is planted here: how many open, click and then buy what was offered. Whether they really
bought is the story's business (life.py); the truth counts payments and not intentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from pipelines.campaigns.assignment import is_held_out
from pipelines.demo.clock import DAY, HOUR, MINUTE
from pipelines.demo.people import Person

Json = dict[str, Any]

SITE = "https://northwind.example.com"
HOLDOUT = 0.5
GOAL = {"event": "stripe:invoice_paid", "within": "14d"}
GOAL_SECONDS = 14 * DAY
SEGMENT = "without_a_plan"
BOUNCES, DEFERRALS, UNSUBSCRIBES, COMPLAINTS = 0.02, 0.03, 0.012, 0.002
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True)
class Mailing:
    """One campaign: what it offers (None = nothing to buy), and the chances at each step of those before it."""

    name: str
    subject: str
    page: str
    path: str
    product: str | None
    opens: float
    clicks: float
    buys: float
    sent_at: int = 0


@dataclass(frozen=True)
class Reaction:
    """What a person did: when they clicked, whether they will buy, whether mail no longer reaches them."""

    clicked_at: int | None = None
    buys: bool = False
    is_lost: bool = False


LAUNCH = Mailing(
    "field-guide-launch", "The SQL Field Guide is out", "SQL Field Guide", "/guides/sql", "SQL Field Guide",
    opens=0.64, clicks=0.6, buys=0.68,
)  # fmt: skip
EARLIER = (
    (0.35, Mailing("getting-started-digest", "Three ways to begin", "Docs", "/docs", None,
                   opens=0.45, clicks=0.2, buys=0.0)),
    (0.6, Mailing("templates-offer", "Templates for your first dashboard", "Dashboard Templates", "/templates",
                  "Dashboard Templates", opens=0.52, clicks=0.42, buys=0.45)),
)  # fmt: skip


@dataclass
class Sent:
    """One campaign as it went out."""

    mailing: Mailing
    recipients: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)


class Mailings:
    """Every past campaign. Ids come from their own source, so they never steer the story."""

    def __init__(self, seed: int, start: int, end: int) -> None:
        self._end, self._ids = end, Random(f"{seed}:mail")
        self.sent = [Sent(mailing) for mailing in _plan(start, end)]

    def send(self, sent: Sent, person: Person, rng: Random) -> Reaction:
        """Put a person into the audience: half get nothing, the others get the mail and react."""
        mailing = sent.mailing
        held_out = is_held_out(mailing.name, person.user_id, HOLDOUT)
        recipient: Json = {"user_id": person.user_id, "email": person.email, "held_out": held_out}
        sent.recipients.append(recipient)
        if held_out:
            return Reaction()
        recipient["message_id"] = self._token(22)
        return self._deliver(sent, recipient, rng)

    def documents(self) -> list[Json]:
        """The campaigns that had an audience, as `campaigns.json` tells them, oldest first."""
        return [
            {
                "name": sent.mailing.name, "segment": SEGMENT, "subject": sent.mailing.subject,
                "sent_at": datetime.fromtimestamp(sent.mailing.sent_at, UTC).isoformat(), "holdout": HOLDOUT,
                "goal": GOAL, "recipients": sent.recipients,
            }
            for sent in self.had_audience()
        ]  # fmt: skip

    def had_audience(self) -> Iterator[Sent]:
        """Campaigns with at least one recipient; a short story has too few people for all of them."""
        return (sent for sent in self.sent if sent.recipients)

    def truth(self, paid: Mapping[str, Iterable[int]], by_mail: Mapping[str, Iterable[int]]) -> Json:
        """Who reached the goal, by when each user's invoices were paid, and which of them for what a mail offered.

        `converted_by_mail` would not have reached it without: the effect that was planted.
        """
        return {sent.mailing.name: _counted(sent, paid, by_mail) for sent in self.had_audience()}

    def _deliver(self, sent: Sent, recipient: Json, rng: Random) -> Reaction:
        # Twenty mails a second leave the provider, in the order of the audience.
        at = sent.mailing.sent_at + len(sent.recipients) // 20
        self._tell(sent, recipient, at, "processed")
        if rng.random() < BOUNCES:
            reason = "550 5.1.1 The email account that you tried to reach does not exist"
            self._tell(sent, recipient, at + rng.randint(1, 20), "bounce", reason=reason, type="bounce", status="5.1.1")
            return Reaction(is_lost=True)
        if rng.random() < DEFERRALS:
            self._tell(sent, recipient, at + 2, "deferred", response="451 4.7.1 Try again later", attempt="1")
            at += rng.randint(5 * MINUTE, 2 * HOUR)
        at += rng.randint(1, 20)
        self._tell(sent, recipient, at, "delivered", response="250 OK")
        return self._read(sent, recipient, at, rng)

    def _read(self, sent: Sent, recipient: Json, at: int, rng: Random) -> Reaction:
        mailing = sent.mailing
        if rng.random() < COMPLAINTS:
            self._tell(sent, recipient, at + rng.randint(HOUR, 5 * HOUR), "spamreport")
            return Reaction(is_lost=True)
        if rng.random() >= mailing.opens:
            return Reaction()
        at += MINUTE + round(rng.expovariate(1 / (7 * HOUR)))
        self._tell(sent, recipient, at, "open", sg_machine_open=False)
        if rng.random() < UNSUBSCRIBES:
            self._tell(sent, recipient, at + rng.randint(10, 90), "unsubscribe")
            return Reaction(is_lost=True)
        if rng.random() >= mailing.clicks or at + 2 * MINUTE >= self._end:
            return Reaction()
        at += rng.randint(5, 100)
        self._tell(sent, recipient, at, "click", url=link(mailing))
        return Reaction(clicked_at=at, buys=rng.random() < mailing.buys)

    def _tell(self, sent: Sent, recipient: Json, at: int, event: str, **more: Any) -> None:
        if at >= self._end:
            return
        sent.events.append(
            {
                "email": recipient["email"], "timestamp": at, "event": event, "sg_event_id": self._token(22),
                "sg_message_id": f"{recipient['message_id']}.recvd-7f8d9-1.filter0001.16648.5515E0B88.0",
                "campaign": sent.mailing.name, "occurrence": "once", "person_id": recipient["user_id"],
            } | more
        )  # fmt: skip

    def _token(self, length: int) -> str:
        return "".join(self._ids.choices(ALPHABET, k=length))


def link(mailing: Mailing) -> str:
    """Where the button in the mail leads."""
    return f"{SITE}{mailing.path}?utm_source=northwind&utm_medium=email&utm_campaign={mailing.name}"


def _plan(start: int, end: int) -> list[Mailing]:
    """The launch exactly 30 days before the end, the others on mornings well before it."""
    launch = end - 30 * DAY
    mornings = [(start + round((end - start) * share) // DAY * DAY + 9 * HOUR, mailing) for share, mailing in EARLIER]
    moments = [(at, mailing) for at, mailing in mornings if at < launch - 7 * DAY]
    if launch > start:
        moments.append((launch, LAUNCH))
    return [Mailing(**(vars(mailing) | {"sent_at": at})) for at, mailing in moments]


def _counted(sent: Sent, paid: Mapping[str, Iterable[int]], by_mail: Mapping[str, Iterable[int]]) -> Json:
    counts = {"audience": 0, "held_out": 0, "treated": 0, "converted_treated": 0, "converted_held_out": 0,
              "converted_by_mail": 0}  # fmt: skip
    begin = sent.mailing.sent_at
    for recipient in sent.recipients:
        arm = "held_out" if recipient["held_out"] else "treated"
        counts["audience"] += 1
        counts[arm] += 1
        inside = {at for at in paid[recipient["user_id"]] if begin <= at <= begin + GOAL_SECONDS}
        counts[f"converted_{arm}"] += bool(inside)
        counts["converted_by_mail"] += bool(inside) and inside <= set(by_mail[recipient["user_id"]])
    return counts
