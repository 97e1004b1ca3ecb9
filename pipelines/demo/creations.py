"""What the fake Stripe creates on request: coupons and promotion codes, each once per idempotency key.

A key with the same parameters gets the first answer again; with others it is refused. What is created
tells its event, so that a sync finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Any

import orjson

from pipelines.demo.books import API_VERSION
from pipelines.demo.knobs import Knobs
from pipelines.demo.list_pages import Parameters, parameters
from pipelines.demo.object_store import Store
from pipelines.demo.refusals import Refusal, invalid, missing

Json = dict[str, Any]
_COUPON = frozenset(
    [
        "id",
        "name",
        "percent_off",
        "amount_off",
        "currency",
        "duration",
        "duration_in_months",
        "max_redemptions",
        "redeem_by",
        "metadata",
    ]
)
_CODE = frozenset(["promotion", "code", "expires_at", "max_redemptions", "metadata", "active", "customer"])


class Creations:
    """Answers to POST over one account."""

    def __init__(self, store: Store, knobs: Knobs) -> None:
        self._store, self._knobs = store, knobs
        self._known: dict[str, tuple[str, bytes]] = {}
        self._codes: set[str] | None = None
        self._lock = Lock()
        self.replayed = 0

    def post(self, path: str, body: str, key: str | None) -> bytes:
        """The body for `POST /v1/<path>`; refuses as Stripe does."""
        makers: dict[str, Callable[[Parameters], Json]] = {"coupons": self._coupon, "promotion_codes": self._code}
        if path not in makers:
            raise Refusal(405, f"This Stripe only creates coupons and promotion codes (POST: /v1/{path}).")
        with self._lock:
            asked = f"{path}?{body}"
            if key is not None and key in self._known:
                first, answer = self._known[key]
                if first != asked:
                    words = "Keys for idempotent requests can only be used with the same parameters."
                    raise Refusal(400, words, kind="idempotency_error")
                self.replayed += 1
                return answer
            made = makers[path](parameters(body))
            self._store.put(path, made)
            self._tell(made)
            answer = orjson.dumps(made)
            if key is not None:
                self._known[key] = asked, answer
            return answer

    def _coupon(self, given: Parameters) -> Json:
        _check(given, _COUPON)
        if ("percent_off" in given) == ("amount_off" in given):
            raise invalid("Must pass one of percent_off or amount_off.", "percent_off")
        if "amount_off" in given and "currency" not in given:
            raise invalid("Missing required param: currency.", "currency", code="parameter_missing")
        identity = given.get("id") or _identity("", str(given), 8)
        if self._store.load("coupons", identity) is not None:
            raise invalid("Coupon already exists.", "id", code="resource_already_exists")
        return {
            "id": identity, "object": "coupon", "amount_off": _number(given, "amount_off"), "created": self._now(),
            "currency": given.get("currency"), "duration": given.get("duration", "once"),
            "duration_in_months": _number(given, "duration_in_months"), "livemode": False,
            "max_redemptions": _number(given, "max_redemptions"), "metadata": given.get("metadata", {}),
            "name": given.get("name"), "percent_off": float(given["percent_off"]) if "percent_off" in given else None,
            "redeem_by": _number(given, "redeem_by"), "times_redeemed": 0, "valid": True,
        }  # fmt: skip

    def _code(self, given: Parameters) -> Json:
        _check(given, _CODE)
        coupon = given.get("promotion", {}).get("coupon")
        if self._store.load("coupons", str(coupon)) is None:
            raise missing("coupon", str(coupon), param="promotion[coupon]", status=400)
        code, expires = given.get("code", ""), _number(given, "expires_at")
        if not code or not all(sign.isascii() and (sign.isalnum() or sign == "-") for sign in code):
            raise invalid("Promotion codes may only contain letters, digits and dashes.", "code")
        if expires is not None and expires <= self._now():
            raise invalid("The expiry has to be in the future.", "expires_at")
        if self._codes is None:
            kept = (orjson.loads(row.line) for row in self._store.shelf("promotion_codes").rows)
            self._codes = {found["code"].lower() for found in kept if found["active"]}
        if code.lower() in self._codes:
            raise invalid(f"An active promotion code with `code: {code}` already exists.", "code")
        self._codes.add(code.lower())
        return {
            "id": _identity("promo_1", code, 23), "object": "promotion_code", "active": True, "code": code,
            "created": self._now(), "customer": given.get("customer"), "customer_account": None,
            "expires_at": expires, "livemode": False, "max_redemptions": _number(given, "max_redemptions"),
            "metadata": given.get("metadata", {}), "promotion": {"coupon": coupon, "type": "coupon"},
            "restrictions": {"first_time_transaction": False, "minimum_amount": None,
                             "minimum_amount_currency": None},
            "times_redeemed": 0,
        }  # fmt: skip

    def _tell(self, made: Json) -> None:
        event = {
            "id": _identity("evt_1", made["id"], 23), "object": "event", "api_version": API_VERSION,
            "created": made["created"], "data": {"object": made}, "livemode": False, "pending_webhooks": 0,
            "request": {"id": None, "idempotency_key": None}, "type": f"{made['object']}.created",
        }  # fmt: skip
        self._store.put("events", event)

    def _now(self) -> int:
        return int(self._knobs.now())


def _check(given: Parameters, known: frozenset[str]) -> None:
    for name in given:
        if name not in known:
            raise invalid(f"Received unknown parameter: {name}", name, code="parameter_unknown")


def _number(given: Parameters, name: str) -> int | None:
    if name not in given:
        return None
    try:
        return int(given[name])
    except ValueError:
        raise invalid(f"Invalid integer: {given[name]}", name, code="parameter_invalid_integer") from None


def _identity(prefix: str, name: str, length: int) -> str:
    return prefix + sha256(name.encode()).hexdigest()[:length]
