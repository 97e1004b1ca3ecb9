"""What a campaign offers: a promotion code of Stripe for each recipient, or one for all.

The way of a code is `planned -> created | failed`. It is chosen here, from the recipient's dedupe key,
and written down before Stripe hears of it; creating it twice is asking with the same idempotency key,
and where Stripe forgot that, the code that is there is recognised by the dedupe key it carries. So a
process that ends anywhere leaves one code per recipient.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Engine, insert, select, update

from pipelines.campaigns.content import CODE
from pipelines.campaigns.document import Content, Discount
from pipelines.campaigns.states import frozen
from pipelines.errors import MillstreamError
from pipelines.faults import fault_point
from pipelines.money import minor
from pipelines.privacy import secret_key
from pipelines.segments import span_length
from pipelines.settings import Settings
from pipelines.state import reading, writing
from pipelines.state.tables import offers, recipients

if TYPE_CHECKING:
    from pipelines.stripe import StripeApi

SAMPLE_CODE = "SAMPLE-CODE"
AT_ONCE = 8
CHUNK = 100
"""So many codes are created between two commits."""
PLANNED = 1000
_PURPOSE = b"millstream.offer.1|"
_WAITING = ("planned", "claimed", "retry_wait")


class Code(NamedTuple):
    """A code that is to be created."""

    key: str
    code: str
    expires_at: datetime | None


class Outcome(NamedTuple):
    """What became of one."""

    key: str
    stripe_code_id: str | None
    reason: str | None


def offered_sample(content: Content) -> dict[str, object]:
    """What a preview shows in place of a recipient's own code."""
    discount = content.document.discount
    return {} if discount is None else {CODE: discount.code or SAMPLE_CODE}


def codes_for(
    engine: Engine, settings: Settings, content: Content, keys: Iterable[str], now: datetime
) -> Mapping[str, Mapping[str, object]]:
    """What the mails with these dedupe keys are given to render with: the code, where Stripe took it.

    Whoever was planned since `create_codes` gets one now. A code that Stripe refused is left out, so the
    template finds none and the mail does not go.

    Raises:
        MillstreamError: see `create_codes`.
    """
    wanted = list(keys)
    discount = content.document.discount
    if discount is None or not wanted:
        return {}
    shared = shared_key(content.document.name)
    asked = wanted if discount.per_recipient else [shared]
    known = _decided(engine, asked)
    if len(known) < len(asked):
        create_codes(engine, settings, content.document.name, now)
        known = _decided(engine, asked)
    given: dict[str, Mapping[str, object]] = {key: {CODE: code} for key, code in known.items() if code is not None}
    return given if discount.per_recipient else dict.fromkeys(wanted, given.get(shared, {}))


def _decided(engine: Engine, keys: Sequence[str]) -> dict[str, str | None]:
    """The codes that were created, None where one failed; what is still open is left out."""
    told = select(offers.c.dedupe_key, offers.c.code, offers.c.state)
    with reading(engine) as connection:
        rows = connection.execute(told.where(offers.c.dedupe_key.in_(keys), offers.c.state != "planned")).all()
    return {row.dedupe_key: row.code if row.state == "created" else None for row in rows}


def create_codes(
    engine: Engine,
    settings: Settings,
    name: str,
    now: datetime,
    *,
    stopped: Callable[[], bool] = lambda: False,
    note: Callable[[str], None] = lambda _: None,
    api: StripeApi | None = None,
) -> int:
    """Create what the recipients who still wait are offered and lack; returns how many codes that were.

    Called before mails go out, with the senders' lock in hand. Run again it goes on where it stopped.

    Raises:
        MillstreamError: no key is set, Stripe refuses it or does not answer. What was created is written down.
    """
    with reading(engine) as connection:
        content = frozen(connection, name)
    discount = content.document.discount
    if discount is None:
        return 0
    _plan(engine, settings, content, discount, now)
    created = 0
    coupon = ""
    while not stopped() and (chunk := _planned(engine, name)):
        api = api or _api(settings)
        coupon = coupon or _coupon(api, content, discount)
        created += _create(engine, api, content, discount, coupon, chunk, now)
        note(f"{created:,} discount codes created.")
    return created


def _plan(engine: Engine, settings: Settings, content: Content, discount: Discount, now: datetime) -> None:
    """Choose a code for everybody who lacks one; it stands in the ledger before anybody else knows it."""
    secret, name = secret_key(settings), content.document.name
    while True:
        with writing(engine) as connection:
            rows = [
                {
                    "dedupe_key": key,
                    "campaign": name,
                    "code": discount.code or _code(secret, key),
                    "state": "planned",
                    "expires_at": _expiry(discount, max(now, not_before or now)),
                    "created_at": now,
                }
                for key, not_before in _lacking(connection, content, discount)
            ]
            if rows:
                connection.execute(insert(offers), rows)
        if len(rows) < PLANNED:
            fault_point("offers.after_plan")
            return


def _lacking(connection: Connection, content: Content, discount: Discount) -> Iterator[tuple[str, datetime | None]]:
    if not discount.per_recipient:
        key = shared_key(content.document.name)
        if connection.execute(select(offers.c.code).where(offers.c.dedupe_key == key)).first() is None:
            yield key, None
        return
    columns = recipients.c
    yield from (
        (row.dedupe_key, row.not_before)
        for row in connection.execute(
            select(columns.dedupe_key, columns.not_before)
            .outerjoin(offers, offers.c.dedupe_key == columns.dedupe_key)
            .where(columns.campaign == content.document.name, columns.state.in_(_WAITING))
            .where(offers.c.dedupe_key.is_(None))
            .limit(PLANNED)
        ).all()
    )


def _planned(engine: Engine, name: str) -> list[Code]:
    waiting = select(offers.c.dedupe_key, offers.c.code, offers.c.expires_at)
    with reading(engine) as connection:
        rows = connection.execute(waiting.where(offers.c.campaign == name, offers.c.state == "planned").limit(CHUNK))
        return [Code(row.dedupe_key, row.code, row.expires_at) for row in rows]


def _create(
    engine: Engine,
    api: StripeApi,
    content: Content,
    discount: Discount,
    coupon: str,
    chunk: Sequence[Code],
    now: datetime,
) -> int:
    """Create these codes at the same time and write down what became of them, also where one fails."""
    trouble: list[MillstreamError] = []

    def one(code: Code) -> Outcome | None:
        if trouble:
            return None
        try:
            return _promotion_code(api, content, discount, coupon, code)
        except MillstreamError as problem:
            trouble.append(problem)
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = [outcome for outcome in pool.map(one, chunk) if outcome is not None]
    with writing(engine) as connection:
        for outcome in done:
            made = outcome.reason is None
            connection.execute(
                update(offers)
                .where(offers.c.dedupe_key == outcome.key, offers.c.state == "planned")
                .values(
                    state="created" if made else "failed",
                    reason=outcome.reason,
                    stripe_coupon_id=coupon,
                    stripe_code_id=outcome.stripe_code_id,
                    done_at=now,
                )
            )
        fault_point("offers.before_commit")
    fault_point("offers.after_commit")
    if trouble:
        raise MillstreamError(
            f"the discount codes of campaign {content.document.name} could not all be created: {trouble[0]} "
            "Nobody was mailed without one. Mend it and send again; no code is created twice."
        )
    return sum(outcome.reason is None for outcome in done)


def _coupon(api: StripeApi, content: Content, discount: Discount) -> str:
    """The coupon of the campaign: the same id for the same terms, so it is created once."""
    from pipelines.stripe import NotAcceptedError  # Late: the SDK takes longer than all the rest of the sender.

    terms = _terms(discount)
    told = f"{content.document.name}|{sorted(terms.items())}"
    identity = f"ms-{hashlib.sha256(told.encode()).hexdigest()[:24]}"
    more: dict[str, Any] = {"id": identity, "metadata": {"campaign": content.document.name}}
    try:
        api.post("/v1/coupons", idempotency_key=f"millstream-coupon-{identity}", **terms, **more)
    except NotAcceptedError as problem:
        if api.get(f"/v1/coupons/{identity}") is None:
            raise MillstreamError(
                f"Stripe did not take the discount ({problem.told or problem.code}). Nobody was mailed. "
                "Change `discount` in a copy of the campaign."
            ) from None
    fault_point("offers.after_coupon")
    return identity


def _terms(discount: Discount) -> dict[str, Any]:
    terms: dict[str, Any] = {"duration": discount.duration}
    if discount.percent_off is not None:
        terms |= {"percent_off": f"{discount.percent_off:g}", "name": f"{discount.percent_off:g} % off"}
    elif discount.amount_off is not None and discount.currency is not None:
        amount = minor(discount.amount_off, discount.currency)
        terms |= {"amount_off": int(amount), "currency": discount.currency.lower()}
        terms["name"] = f"{discount.amount_off} {discount.currency.upper()} off"
    if discount.duration_in_months is not None:
        terms["duration_in_months"] = discount.duration_in_months
    return terms


def _promotion_code(api: StripeApi, content: Content, discount: Discount, coupon: str, code: Code) -> Outcome:
    from pipelines.stripe import NotAcceptedError

    asked: dict[str, Any] = {
        "promotion": {"type": "coupon", "coupon": coupon},
        "code": code.code,
        "metadata": {"campaign": content.document.name, "dk": code.key},
    }
    if (times := 1 if discount.per_recipient else discount.max_redemptions) is not None:
        asked["max_redemptions"] = times
    if code.expires_at is not None:
        asked["expires_at"] = int(code.expires_at.timestamp())
    fault_point("offers.before_code")
    try:
        answer = api.post("/v1/promotion_codes", idempotency_key=f"millstream-code-{code.key}", **asked)
        made: Mapping[str, Any] | None = answer.document
        reason = None
    except NotAcceptedError as problem:
        # Stripe forgets idempotency keys after a day; what it created it still has.
        made = _existing(api, code)
        reason = None if made is not None else f"stripe_{problem.code or 'refused'}"[:200]
    fault_point("offers.after_code")
    return Outcome(code.key, None if made is None else str(made["id"]), reason)


def _existing(api: StripeApi, code: Code) -> Mapping[str, Any] | None:
    """The code as Stripe has it, if it is this very one."""
    answer = api.get("/v1/promotion_codes", code=code.code, limit=1)
    found: list[dict[str, Any]] = [] if answer is None else answer.document["data"]
    return next((one for one in found if (one.get("metadata") or {}).get("dk") == code.key), None)


def _api(settings: Settings) -> StripeApi:
    from pipelines.stripe import StripeApi

    if settings.stripe_offers_key is None:
        raise MillstreamError(
            "the campaign offers a discount and no key is set to create its codes. Nobody was mailed. "
            "Set MILLSTREAM_STRIPE_OFFERS_KEY."
        )
    return StripeApi(settings, key=settings.stripe_offers_key)


def _code(secret: bytes, key: str) -> str:
    """Twelve signs that nobody can guess, always the same for one recipient."""
    text = base64.b32encode(hmac.digest(secret, _PURPOSE + key.encode(), "sha256")).decode()
    return "-".join((text[:4], text[4:8], text[8:12]))


def shared_key(campaign: str) -> str:
    """The key of the one code that a campaign offers to all."""
    return hashlib.sha256(f"{campaign}|offered to all".encode()).hexdigest()


def _expiry(discount: Discount, since: datetime) -> datetime | None:
    return None if discount.expires_in is None else since + span_length(discount.expires_in)
