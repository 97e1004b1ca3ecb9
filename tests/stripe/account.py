"""A Stripe account in memory that changes with events, and the product's feed over it in one process.

The socket is left out: the SDK asks through a transport that hands each request to the fake's own
replies. Event payloads carry a mark that no object has, so a state taken from an event shows.
"""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import stripe
from requests.structures import CaseInsensitiveDict

from pipelines.demo.answers import Answers
from pipelines.demo.knobs import Knobs
from pipelines.demo.live_store import LiveStore
from pipelines.demo.refusals import Refusal
from pipelines.demo.replies import Replies
from pipelines.settings import Settings
from pipelines.stripe import StripeApi
from pipelines.stripe.catalogue import BY_NAME, KINDS, Kind
from pipelines.stripe.limiter import Limits

Json = dict[str, Any]
FILES = {kind.name: kind.path.removeprefix("/v1/") for kind in KINDS}


class InProcess(stripe.HTTPClient):  # type: ignore[misc]  # mypy leaves the SDK out
    """The SDK's transport without a socket."""

    name = "in process"

    def __init__(self, replies: Replies) -> None:
        super().__init__()
        self._replies = replies

    def request(self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any) -> Any:
        if not self._replies.is_answered():
            raise stripe.APIConnectionError("dropped", should_retry=True)
        parts = urlsplit(url)
        given = {name.lower(): value for name, value in (headers or {}).items()}
        reply = self._replies.reply(method, unquote(parts.path).lstrip("/"), parts.query, given)
        return reply.body, reply.status, CaseInsensitiveDict(reply.headers)


class ToldClock:
    """Seconds that pass only while somebody sleeps: waiting for a rate limit costs nothing."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def sleep(self, pause: float) -> None:
        self.now += pause


def api_over(account: Account, settings: Settings, *, at_once: int) -> StripeApi:
    """The product's client, asking an account in memory, so many requests at the same time."""
    clock = ToldClock()
    return StripeApi(
        settings,
        sleep=clock.sleep,
        clock=lambda: clock.now,
        limits=Limits(1e6, 1e6, at_once=at_once),
        transport=InProcess(account.replies),
    )


class Account:
    """Objects, their events, and a clock that only moves when told to."""

    def __init__(self, clock: int, *, prefix: str = "") -> None:
        self.clock, self.prefix = clock, prefix
        self.store = LiveStore()
        self.knobs = Knobs(now=lambda: float(self.clock), event_retention_days=30)
        self.replies = Replies(self.store, self.knobs)
        self._plain = Answers(self.store, Knobs())
        self.number = 0
        self.events: list[Json] = []
        self.gone: set[tuple[str, str]] = set()

    def create(self, name: str, *, told: str | None = "created", **more: Any) -> Json:
        """A new object; `told` is the ending of its event's type, None for no event at all."""
        self.number += 1
        made = BY_NAME[name].created
        thing: Json = {"id": f"{SHORT[name]}_{self.prefix}{self.number}", "object": name, made: self.clock, **more}
        if name in ("subscription", "invoice"):
            thing.setdefault("discounts", [])
        if name == "subscription":
            thing.setdefault("items", {"object": "list", "data": [], "has_more": False})
        self.store.put(FILES[name], thing)
        if told:
            self.tell(thing, told)
        return thing

    def change(self, thing: Json, *, told: str | None = "updated", **fields: Any) -> Json:
        self.number += 1
        changed = {**self.get(thing), "version": self.number, **fields}
        self.store.put(FILES[thing["object"]], changed)
        if told:
            self.tell(changed, told)
        return changed

    def delete(self, thing: Json, *, told: str | None = "deleted") -> None:
        last = self.get(thing)
        if thing["object"] == "customer":
            self.store.put("customers", {"id": thing["id"], "object": "customer", "deleted": True})
        else:
            self.store.drop(FILES[thing["object"]], thing["id"])
        self.gone.add((thing["object"], thing["id"]))
        if told:
            self.tell(last, told)

    def refund(self, charge: Json, amount: int) -> Json:
        """As many refunds are: the charge tells, the refund and its balance transaction tell nothing."""
        entry = self.create("balance_transaction", told=None, amount=-amount, type="refund")
        refund = self.create("refund", told=None, charge=charge["id"], amount=amount, balance_transaction=entry["id"])
        back = self.get(charge).get("amount_refunded", 0) + amount
        self.change(charge, told="refunded", amount_refunded=back)
        return refund

    def tell(self, thing: Json, ending: str) -> Json:
        """An event about an object, its payload in an older shape; in a webhook it is in yet another one."""
        self.number += 1
        prefix = {"subscription": "customer.subscription", "dispute": "charge.dispute"}.get(thing["object"])
        event = {
            "id": f"evt_{self.prefix}{self.number}",
            "object": "event",
            "type": f"{prefix or thing['object']}.{ending}",
            "created": self.clock,
            "data": {"object": {**thing, "an_older_shape": True}},
        }
        self.store.put("events", event)
        self.events.append(event)
        return event

    def get(self, thing: Json) -> Json:
        found = self.store.load(FILES[thing["object"]], thing["id"])
        assert found is not None
        return found

    def state(self) -> dict[tuple[str, str], Json | None]:
        """Every object as Stripe answers it when asked for it alone; None where it is gone."""
        found: dict[tuple[str, str], Json | None] = dict.fromkeys(self.gone)
        for kind in KINDS:
            for row in self.store.shelf(FILES[kind.name]).rows:
                found[kind.name, row.id] = self._one(kind, row.id)
        return found

    def _one(self, kind: Kind, identity: str) -> Json | None:
        query = "&".join(f"expand[{number}]={path}" for number, path in enumerate(kind.expand))
        try:
            thing: Json = orjson.loads(self._plain.get(f"{FILES[kind.name]}/{identity}", query))
        except Refusal:
            return None
        return None if thing.get("deleted") else thing


SHORT = {
    "customer": "cus", "product": "prod", "price": "price", "plan": "plan", "coupon": "off", "promotion_code": "promo",
    "subscription": "sub", "invoice": "in", "invoice_payment": "inpay", "invoiceitem": "ii", "credit_note": "cn",
    "charge": "ch", "payment_intent": "pi", "refund": "re", "dispute": "dp", "balance_transaction": "txn",
    "payout": "po", "checkout.session": "cs",
}  # fmt: skip


Version = tuple[float, bool, bytes]
"""Time, whether it tells a deletion, payload: in this order the newest wins."""


def landed_state(lines: Iterable[tuple[bytes, str]]) -> dict[tuple[str, str], Json | None]:
    """The newest version of each object by the rules of contract and load, from landed lines and their times.

    A second implementation, in the order of landing: a list or a refetch that shows what was held at
    its time adds no version. A deletion is None.
    """
    versions: dict[tuple[str, str], list[Version]] = {}

    def see(thing: Json, at: float, is_deleted: bool, *, is_event: bool) -> None:
        is_deleted = is_deleted or bool(thing.get("deleted"))
        new = (at, is_deleted, orjson.dumps(thing))
        held = versions.setdefault((thing["object"], thing["id"]), [])
        place = bisect_right(held, (at, True, b"\xff"))
        if new not in held and (is_event or place == 0 or held[place - 1][2] != new[2]):
            insort(held, new)

    for line, fetched_at in lines:
        at = datetime.fromisoformat(fetched_at).timestamp()
        document = orjson.loads(line)
        for thing in document["data"] if document["object"] == "list" else [document]:
            if thing["object"] == "event":
                ended = thing["type"].endswith(".deleted") and "subscription" not in thing["type"]
                see(thing["data"]["object"], float(thing["created"]), ended, is_event=True)
            else:
                see(thing, at, False, is_event=False)
    return {key: None if held[-1][1] else orjson.loads(held[-1][2]) for key, held in versions.items()}


class StoredOracle:
    """What a listing asks the warehouse for, from the landing zone's own newest versions."""

    def __init__(self, state: dict[tuple[str, str], Json | None]) -> None:
        self._state = state

    def ids(self, kind: Kind, condition: str, low: int | None = None, high: int | None = None) -> set[str]:
        return {
            identity
            for (name, identity), thing in self._state.items()
            if name == kind.name
            and thing is not None
            and (low is None or thing[kind.created] >= low)
            and (high is None or thing[kind.created] <= high)
            and _meets(thing, condition)
        }


def _meets(thing: Json, condition: str) -> bool:
    """The catalogue's conditions, without a database."""
    if condition == "true":
        return True
    if re.fullmatch(r"json_extract_string\(payload, '/invoice'\) is null", condition):
        return thing.get("invoice") is None
    found = re.fullmatch(r"(not )?coalesce\(json_extract_string\(payload, '/status'\), ''\) in \((.*)\)", condition)
    assert found, condition
    return (str(thing.get("status", "")) in re.findall(r"'(\w+)'", found[2])) != bool(found[1])
