"""Discount codes: one per recipient at Stripe, whatever dies in between; one in each mail; none without a key."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import insert, select, update

from pipelines.campaigns import approve, codes_for, create_codes, load, offers_told, offers_words, preview, save
from pipelines.campaigns.states import move
from pipelines.delivery import send
from pipelines.demo.knobs import Knobs
from pipelines.demo.live_store import LiveStore
from pipelines.demo.stripe_server import serving
from pipelines.errors import MillstreamError
from pipelines.faults import POINTS
from pipelines.mail import Outbox
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from pipelines.state.tables import campaigns, offers, recipients
from pipelines.warehouse import Warehouse
from tests import warm
from tests.campaigns.test_documents import content, everybody
from tests.campaigns.test_lint import CLEAN, HTML, TEXT
from tests.segments.people import NOW, person, publish_people

__all__ = ["everybody"]
PEOPLE = 7
OFFER = {
    **CLEAN,
    "html": HTML + "<p>Your code: {{ discount_code }}</p>",
    "text": TEXT + " {{ discount_code }}",
    "discount": {"percent_off": 20, "expires_in": "7d", "per_recipient": True},
}


@dataclass
class Shop:
    """The fake Stripe of one test, and settings that lead to it."""

    settings: Settings
    store: LiveStore = field(default_factory=LiveStore)
    knobs: Knobs = field(default_factory=lambda: Knobs(now=lambda: NOW.timestamp()))

    def things(self, kind):
        return [orjson.loads(row.line) for row in self.store.shelf(kind).rows]

    def codes(self):
        return self.things("promotion_codes")


@pytest.fixture
def shop(tmp_path):
    made = Shop(Settings(MILLSTREAM_DATA_DIR=tmp_path / "data"))
    with serving(made.store, knobs=made.knobs) as url:
        made.settings = Settings(
            MILLSTREAM_DATA_DIR=tmp_path / "data",
            MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely",
            MILLSTREAM_STRIPE_OFFERS_KEY="rk_test_offers",
            STRIPE_API_BASE=url,
            MILLSTREAM_CONSENT="customers",
        )
        yield made


@pytest.fixture
def engine(shop):
    return open_state(shop.settings)


@pytest.fixture
def planned(engine, shop, tmp_path, everybody):
    """An approved campaign with an audience in its ledger."""
    start(engine, shop, tmp_path)
    return [f"{number:064x}" for number in range(PEOPLE)]


def start(engine, shop, folder, **changes):
    save(engine, content(folder, **{**OFFER, **changes}), NOW)
    approve(engine, shop.settings, "win-back", NOW, user="ann")
    rows = [
        {"dedupe_key": f"{number:064x}", "campaign": "win-back", "occurrence": "once", "person_id": f"p{number}",
         "address": f"p{number}@example.com", "address_key": f"{number:064x}", "state": "planned", "planned_at": NOW}
        for number in range(PEOPLE)
    ]  # fmt: skip
    with writing(engine) as connection:
        move(connection, "win-back", "sending", now=NOW, actor="test")
        connection.execute(insert(recipients), rows)


def create(engine, shop, **more):
    return create_codes(engine, shop.settings, "win-back", NOW, **more)


def kept(engine):
    with reading(engine) as connection:
        return {row.dedupe_key: row for row in connection.execute(select(offers)).all()}


def check(engine, shop, keys):
    """One code per recipient, here and there, and each the same."""
    rows, codes = kept(engine), {code["metadata"]["dk"]: code for code in shop.codes()}
    assert set(rows) == set(codes) == set(keys)
    assert len(shop.codes()) == len(keys)
    assert {row.state for row in rows.values()} == {"created"}
    for key, row in rows.items():
        assert (codes[key]["code"], codes[key]["id"]) == (row.code, row.stripe_code_id)
        assert (codes[key]["max_redemptions"], codes[key]["promotion"]["coupon"]) == (1, row.stripe_coupon_id)
        assert codes[key]["expires_at"] == row.expires_at.timestamp() == (NOW + timedelta(days=7)).timestamp()
    assert len({row.code for row in rows.values()}) == len(keys)
    (coupon,) = shop.things("coupons")
    assert (coupon["percent_off"], coupon["duration"]) == (20, "once")


def test_everybody_planned_gets_a_code_of_their_own_once(engine, shop, planned):
    assert create(engine, shop) == PEOPLE
    check(engine, shop, planned)
    asked = shop.knobs.requests
    assert create(engine, shop) == 0
    assert shop.knobs.requests == asked
    given = codes_for(engine, shop.settings, load(engine, "win-back"), planned, NOW)
    assert {key: extra["discount_code"] for key, extra in given.items()} == {
        key: row.code for key, row in kept(engine).items()
    }


def test_nothing_at_stripe_tells_who_the_recipient_is(engine, shop, planned):
    create(engine, shop)
    told = orjson.dumps([*shop.codes(), *shop.things("coupons")]).decode()
    assert "@" not in told
    assert '"p1"' not in told


def _create_in_a_fork(settings, fault):
    os.environ["MILLSTREAM_FAULT"] = fault
    create_codes(open_state(settings), settings, "win-back", NOW)


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("offers.")])
def test_a_crash_leaves_one_code_per_recipient(engine, shop, planned, point):
    passage = 3 if point in ("offers.before_code", "offers.after_code") else 1
    child = warm.FORKS.Process(target=_create_in_a_fork, args=(shop.settings, f"{point}:{passage}"))
    child.start()
    child.join(60)
    assert child.exitcode == 137
    create(engine, shop)
    check(engine, shop, planned)


def test_answers_that_are_lost_leave_one_code_per_recipient(engine, shop, planned, monkeypatch):
    monkeypatch.setattr("pipelines.stripe.client._pause", lambda *_: 0.0)
    shop.knobs.lost_every = 2
    create(engine, shop)
    check(engine, shop, planned)
    assert shop.knobs.requests > PEOPLE + 1


def test_a_code_that_stripe_has_though_it_forgot_the_key_is_the_same_code(engine, shop, planned):
    create(engine, shop)
    with writing(engine) as connection:
        connection.execute(update(offers).values(state="planned", stripe_code_id=None))
    with serving(shop.store, knobs=shop.knobs) as url:
        create_codes(engine, shop.settings.model_copy(update={"stripe_api_base": url}), "win-back", NOW)
    check(engine, shop, planned)


def test_a_code_that_stands_for_somebody_else_fails_and_the_others_are_created(engine, shop, planned):
    shop.knobs.down = True
    with pytest.raises(MillstreamError):
        create(engine, shop, api=_impatient(shop))
    shop.knobs.down = False
    taken = sorted(kept(engine).items())[0]
    foreign = {"id": "promo_x", "object": "promotion_code", "created": 1, "code": taken[1].code, "active": True}
    shop.store.put("promotion_codes", foreign)
    assert create(engine, shop) == PEOPLE - 1
    rows = kept(engine)
    assert rows[taken[0]].state == "failed"
    given = codes_for(engine, shop.settings, load(engine, "win-back"), planned, NOW)
    assert set(given) == set(planned) - {taken[0]}


def _impatient(shop):
    from pipelines.stripe import StripeApi

    return StripeApi(shop.settings, key=shop.settings.stripe_offers_key, attempts=1)


def test_whoever_was_planned_meanwhile_gets_a_code_when_their_mail_is_made(engine, shop, planned):
    create(engine, shop)
    late = "f" * 64
    with writing(engine) as connection:
        row = dict(connection.execute(select(recipients).limit(1)).mappings().one())
        connection.execute(insert(recipients).values(**{**row, "dedupe_key": late, "person_id": "late"}))
    given = codes_for(engine, shop.settings, load(engine, "win-back"), [planned[0], late], NOW)
    assert len({extra["discount_code"] for extra in given.values()}) == 2
    check(engine, shop, [*planned, late])


def test_a_key_without_the_permission_creates_nothing_and_mails_nobody(engine, shop, planned):
    shop.knobs.forbidden = ("coupons",)
    with pytest.raises(MillstreamError, match="rak_coupon_write"):
        create(engine, shop)
    assert {row.state for row in kept(engine).values()} == {"planned"}
    assert shop.codes() == []


def test_one_code_for_all_is_created_once_with_the_limit_it_was_given(engine, shop, tmp_path, everybody):
    discount = {
        "amount_off": "12.50",
        "currency": "eur",
        "code": "AUTUMN",
        "max_redemptions": 100,
        "duration": "forever",
    }
    start(engine, shop, tmp_path, discount=discount)
    assert create(engine, shop) == 1
    (code,) = shop.codes()
    assert (code["code"], code["max_redemptions"], code["expires_at"]) == ("AUTUMN", 100, None)
    (coupon,) = shop.things("coupons")
    assert (coupon["amount_off"], coupon["currency"], coupon["duration"]) == (1250, "eur", "forever")
    keys = [f"{number:064x}" for number in range(PEOPLE)]
    given = codes_for(engine, shop.settings, load(engine, "win-back"), keys, NOW)
    assert given == {key: {"discount_code": "AUTUMN"} for key in keys}


def test_without_a_key_of_its_own_the_approval_says_what_is_missing(engine, shop, tmp_path, everybody):
    save(engine, content(tmp_path, **OFFER), NOW)
    bare = shop.settings.model_copy(update={"stripe_offers_key": None})
    with pytest.raises(MillstreamError, match="MILLSTREAM_STRIPE_OFFERS_KEY"):
        approve(engine, bare, "win-back", NOW, user="ann")


def test_each_mail_carries_the_code_of_its_reader_and_the_preview_none(engine, shop, tmp_path, everybody):
    snapshot = publish_people(shop.settings, [person(number, payments_count=1) for number in range(4)])
    save(engine, content(tmp_path, **OFFER), NOW)
    approve(engine, shop.settings, "win-back", NOW, user="ann")
    shown = preview(engine, snapshot, shop.settings, "win-back")["mail"]
    assert "SAMPLE-CODE" in shown["html"]
    assert shop.codes() == []
    assert send(shop.settings, "win-back", lambda: NOW).accepted == 4
    check(engine, shop, kept(engine))
    mails = list(shop.settings.outbox_dir.rglob("*.eml"))
    by_key = {path.stem.rpartition("-")[0]: path.read_text() for path in mails}
    assert all(row.code in by_key[key] for key, row in kept(engine).items())
    assert isinstance(Outbox(shop.settings.outbox_dir).handed_over("win-back"), dict)
    with reading(engine) as connection:
        assert connection.execute(select(campaigns.c.state)).scalar_one() == "sent"


def codes_published(settings, rows):
    """A snapshot with these promotion codes (id, times redeemed, customers) and the people p0 to p6 behind cus_0 to cus_6."""
    with Warehouse(settings).write("test") as connection:
        connection.execute(
            "create or replace table marts.dim_promotion_codes (account varchar, promotion_code_id varchar,"
            " code varchar, times_redeemed bigint, customer_ids varchar[], expires_at timestamp)"
        )
        for identity, times, customers in rows:
            values = [identity, times, customers]
            connection.execute("insert into marts.dim_promotion_codes values ('a', $1, '', $2, $3, null)", values)
    people = [person(n, person_id=f"p{n}", stripe_customer_ids=[f"cus_{n}", f"old_{n}"]) for n in range(PEOPLE)]
    return publish_people(settings, people, as_of=NOW + timedelta(days=8))


def test_the_report_tells_redeemed_leaked_and_wasted_codes(engine, shop, planned):
    create(engine, shop)
    with writing(engine) as connection:
        connection.execute(update(recipients).values(in_flight_at=NOW, state="accepted"))
    ids = [kept(engine)[key].stripe_code_id for key in planned]
    told = [
        (ids[0], 1, ["cus_0"]),
        (ids[1], 1, ["old_1"]),
        (ids[2], 1, ["cus_0"]),
        (ids[3], 1, ["cus_nobody"]),
        (ids[4], 1, []),
        (ids[5], 0, []),
    ]
    counts = {"created": PEOPLE, "failed": 0}
    assert offers_told(engine, None, "win-back") == counts
    fates = {"redeemed": 2, "leaked": 2, "redeemed_unknown": 1, "wasted": 2, "open": 0}
    assert offers_told(engine, codes_published(shop.settings, told), "win-back") == {**counts, **fates}
    assert offers_words({**counts, **fates}) == (
        "Discount codes: 7 created; 2 redeemed by who got them, 2 redeemed by somebody else, "
        "1 redeemed by nobody knows whom, 2 expired unused."
    )
    assert offers_words({**counts, "failed": 3}) == (
        "Discount codes: 7 created, 3 that Stripe refused; what became of them is known once a build has published it."
    )


def test_a_code_for_all_counts_each_of_its_redemptions(engine, shop, tmp_path, everybody):
    start(engine, shop, tmp_path, discount={"percent_off": 10, "code": "AUTUMN"})
    create(engine, shop)
    with writing(engine) as connection:
        mailed = recipients.c.person_id != "p6"
        connection.execute(update(recipients).where(mailed).values(in_flight_at=NOW, state="accepted"))
    (code,) = shop.codes()
    told = [(code["id"], 4, ["cus_0", "cus_1", "cus_6"])]
    assert offers_told(engine, codes_published(shop.settings, told), "win-back") == {
        "created": 1, "failed": 0, "redeemed": 2, "leaked": 1, "redeemed_unknown": 1, "wasted": 0, "open": 0,
    }  # fmt: skip


def test_a_campaign_without_a_discount_has_no_codes_to_tell_of(engine, shop, tmp_path, everybody):
    save(engine, content(tmp_path), NOW)
    assert offers_told(engine, None, "win-back") is None
