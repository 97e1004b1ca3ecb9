"""Who counts in a comparison, from when, for how long, and with which money."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.experiments import measured
from pipelines.settings import Settings
from tests.experiments.worlds import LATER, SENT, World, document, people

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(MILLSTREAM_DATA_DIR=tmp_path / "data")


@pytest.fixture
def world() -> World:
    return World()


def ask(world: World, settings: Settings, *, as_of: Any = LATER, **changes: Any) -> dict[str, Any]:
    return measured(world.publish(settings, as_of), settings, document(**changes))


def test_everybody_who_was_drawn_counts_and_nobody_else(world: World, settings: Settings) -> None:
    mailed, held_out = people("m", 10), people("h", 8)
    world.mail(mailed[:6], held_out=held_out)
    # What became of the mail does not matter: chance put them into this group.
    for person, state in zip(mailed[6:], ("rejected", "ambiguous", "suppressed", "cancelled"), strict=True):
        world.mail([person], state=state)
    world.mail(people("never agreed", 5), is_drawn=False, state="suppressed")
    world.mail([], held_out=people("all campaigns", 4), is_drawn=False, reason="global_holdout")
    world.mail(people("other", 30), campaign="another")
    for person in (*mailed[:2], mailed[8], held_out[0], "never agreed0000", "all campaigns0000", "other0000"):
        world.pay(person, 1_000)
    found = ask(world, settings)
    assert found["conversion"]["treated"] == {"people": 10, "converted": 3, "rate": 0.3}
    assert found["conversion"]["holdout"] == {"people": 8, "converted": 1, "rate": 0.125}
    assert found["conversion"]["incremental"] == pytest.approx(10 * (0.3 - 0.125))
    assert (found["revenue"]["treated"]["net_minor"], found["revenue"]["holdout"]["net_minor"]) == (3_000, 1_000)
    assert found["revenue"]["lift_minor"] == (300 - 125)


def test_the_time_begins_with_the_mail_and_both_its_ends_are_inside(world: World, settings: Settings) -> None:
    world.mail(people("m", 5), held_out=["h"])
    world.mail(["late"], at=SENT + 3 * DAY)
    for person, at in (
        ("m0000", SENT), ("m0001", SENT + 14 * DAY), ("m0002", SENT - SECOND), ("m0003", SENT + 14 * DAY + SECOND),
        ("late", SENT + 2 * DAY), ("h", SENT + 13 * DAY),
    ):  # fmt: skip
        world.pay(person, 500, at=at)
    found = ask(world, settings)
    assert (found["conversion"]["treated"]["converted"], found["conversion"]["holdout"]["converted"]) == (2, 1)
    assert found["revenue"]["treated"]["net_minor"] == 1_000
    assert found["goal"]["ends_at"] == SENT + 17 * DAY


def test_money_is_net_of_discounts_and_of_what_went_back_of_it(world: World, settings: Settings) -> None:
    world.mail(["m"], held_out=["h"])
    # Two payments within the time; what went back of them counts whenever it did.
    world.pay("m", 8_000, discount=2_000, refund=3_000, refunded_at=SENT + 40 * DAY)
    world.pay("m", 1_000, dispute=1_000, at=SENT + 2 * DAY)
    # A payment of before has nothing to do with it, nor has its refund within the time.
    world.pay("m", 7_000, at=SENT - DAY, refund=7_000, refunded_at=SENT + DAY)
    found = ask(world, settings)
    money = found["revenue"]["treated"]
    assert (money["gross_minor"], money["discounts_minor"], money["refunds_minor"]) == (11_000, 2_000, 4_000)
    assert money["net_minor"] == 5_000 == money["net_per_person_minor"]


def test_an_invoice_paid_in_parts_brings_its_discount_once(world: World, settings: Settings) -> None:
    world.mail(["m"], held_out=["h"])
    world.pay("m", 1_000, discount=333)
    (charge,) = world.rows["fct_payments"]
    charge["amount_minor"] = 400
    world.rows["fct_payments"].append({**charge, "payment_id": "ch_x", "charge_id": "ch_x", "amount_minor": 600})
    money = ask(world, settings)["revenue"]["treated"]
    assert (money["gross_minor"], money["discounts_minor"], money["net_minor"]) == (1_333, 333, 1_000)


def test_money_is_converted_at_its_day_and_a_currency_without_a_rate_is_named(world: World, settings: Settings) -> None:
    world.mail(people("m", 3), held_out=["h"])
    world.pay("m0000", 1_000, currency="EUR", refund=400)
    world.pay("m0001", 900, currency="JPY")
    found = ask(world, settings)
    assert (found["revenue"]["currency"], found["revenue"]["unconverted"]) == ("USD", ["JPY"])
    assert found["revenue"]["treated"]["gross_minor"] == 1_250
    assert found["revenue"]["treated"]["net_minor"] == 750
    # Whether somebody reached the goal needs no rate.
    assert found["conversion"]["treated"]["converted"] == 2


def test_a_goal_may_be_any_event(world: World, settings: Settings) -> None:
    world.mail(people("m", 4), held_out=people("h", 4))
    at = (SENT + DAY).replace(tzinfo=None)
    told = [("m0000", "export_created"), ("m0001", "export_created"), ("m0002", "login"), ("h0000", "export_created")]
    world.rows["fct_events"] = [{"person_id": who, "event": what, "event_at": at} for who, what in told]
    found = ask(world, settings, goal={"event": "export_created", "within": "2d"})
    assert [found["conversion"][name]["converted"] for name in ("treated", "holdout")] == [2, 1]
    assert found["goal"]["ends_at"] == SENT + 2 * DAY
    assert not found["goal"]["is_default"]


def test_a_campaign_without_a_goal_is_measured_by_invoices_paid_within_two_weeks(
    world: World, settings: Settings
) -> None:
    world.mail(["m"], held_out=["h"])
    world.pay("m", 100)
    found = ask(world, settings, goal=None)
    told = found["goal"]
    assert (told["event"], told["within"], told["is_default"]) == ("stripe:invoice_paid", "14d", True)
    assert found["conversion"]["treated"]["converted"] == 1


def crowd(world: World, treated: int, base: int, size: int = 500) -> None:
    """A campaign to five hundred, and as many held out, of whom so many paid."""
    mailed, held_out = people("m", size), people("h", size)
    world.mail(mailed, held_out=held_out)
    for person in (*mailed[:treated], *held_out[:base]):
        world.pay(person, 2_000)


def test_a_planted_lift_is_significant_once_its_time_is_over_and_not_before(world: World, settings: Settings) -> None:
    crowd(world, 150, 100)
    early = ask(world, settings, as_of=SENT + 14 * DAY - SECOND)
    assert (early["verdict"], early["goal"]["is_over"]) == ("underpowered", False)
    found = ask(world, settings, as_of=SENT + 14 * DAY)
    assert (found["verdict"], found["goal"]["is_over"], found["winner"]) == ("significant", True, None)
    low, high = found["conversion"]["interval"]
    assert low < 0.1 < high
    assert found["revenue"]["verdict"] == "significant"
    assert found["revenue"]["lift_minor"] == 200
    low, high = found["revenue"]["interval_minor"]
    assert low < 200 < high
    assert found["revenue"]["incremental_minor"] == 100_000


def test_groups_of_other_sizes_than_drawn_for_prove_nothing(world: World, settings: Settings) -> None:
    crowd(world, 150, 100)
    found = ask(world, settings, holdout=0.4)
    assert found["verdict"] == "invalid_split"
    assert not found["split"]["is_valid"]
    assert [(one["group"], one["people"], one["expected"]) for one in found["split"]["groups"]] == [
        ("mailed", 500, 600),
        ("holdout", 500, 400),
    ]


def test_without_a_holdout_there_is_no_lift_and_no_verdict(world: World, settings: Settings) -> None:
    world.mail(people("m", 4))
    world.pay("m0000", 900)
    found = ask(world, settings, holdout=0)
    assert (found["verdict"], found["conversion"]["lift"], found["revenue"]["lift_minor"]) == (None, None, None)
    assert found["conversion"]["treated"]["converted"] == 1
    assert found["revenue"]["treated"]["net_minor"] == 900


def test_variants_are_compared_with_the_held_out_and_with_each_other(world: World, settings: Settings) -> None:
    for name, paying in (("A", 100), ("B", 190)):
        mailed = people(name, 700)
        world.mail(mailed, variant=name)
        for person in mailed[:paying]:
            world.pay(person, 1_000)
    # The held out have the variant that they would have got.
    world.mail([], held_out=people("h", 350), variant="A")
    world.mail([], held_out=people("i", 350), variant="B")
    for person in people("h", 100):
        world.pay(person, 1_000)
    shares = {"holdout": 1 / 3, "variants": [{"name": "A"}, {"name": "B", "subject": "Hello"}]}
    found = ask(world, settings, **shares)
    told = {one["variant"]: one["conversion"] for one in found["variants"]}
    assert {name: one["treated"]["converted"] for name, one in told.items()} == {"A": 100, "B": 190}
    assert told["B"]["verdict"] == "significant"
    assert told["A"]["verdict"] == "underpowered"
    assert found["winner"] == "B"
    assert found["conversion"]["treated"]["people"] == 1_400
    assert [one["group"] for one in found["split"]["groups"]] == ["A", "B", "holdout"]


def test_over_several_occurrences_a_person_counts_once_from_the_first_on(world: World, settings: Settings) -> None:
    world.mail(["m", "left"], held_out=["h"], occurrence="2026-03-02")
    world.mail(["m", "new"], held_out=["h"], occurrence="2026-03-09", at=SENT + 7 * DAY)
    world.pay("m", 1_000, at=SENT + 8 * DAY)
    world.pay("h", 1_000, at=SENT + 20 * DAY)
    found = ask(world, settings)
    assert found["conversion"]["treated"] == {"people": 3, "converted": 1, "rate": 1 / 3}
    # The held out person paid after the time that began with the first mail.
    assert found["conversion"]["holdout"] == {"people": 1, "converted": 0, "rate": 0.0}
    first, second = found["measured"]
    assert (first["occurrence"], second["occurrence"]) == ("2026-03-02", "2026-03-09")
    assert first["conversion"]["treated"] == {"people": 2, "converted": 1, "rate": 0.5}
    assert second["conversion"]["treated"] == {"people": 2, "converted": 1, "rate": 0.5}
    assert second["conversion"]["holdout"]["converted"] == 1
    assert second["ends_at"] == SENT + 21 * DAY


def test_last_touch_goes_to_the_last_campaign_that_was_clicked(world: World, settings: Settings) -> None:
    world.mail(people("m", 6), held_out=["h"])
    for person in (*people("m", 6), "h"):
        world.pay(person, 1_000, at=SENT + 2 * DAY, refund=100 if person == "m0000" else 0)
    for person, campaign, at in (
        ("m0000", "another", SENT + 1 * DAY), ("m0000", "launch", SENT + 1.5 * DAY),
        ("m0001", "launch", SENT + 1 * DAY), ("m0001", "another", SENT + 1.5 * DAY),
        # After the payment, and before this mail: neither led to it.
        ("m0002", "launch", SENT + 3 * DAY), ("m0003", "launch", SENT - DAY),
        ("m0004", "launch", SENT + 1 * DAY), ("m0004", "another", SENT + 3 * DAY),
    ):  # fmt: skip
        world.click(person, campaign, at)
    found = ask(world, settings)["last_touch"]
    assert (found["people"], found["payments"]) == (2, 2)
    assert (found["gross_minor"], found["refunds_minor"], found["net_minor"]) == (2_000, 100, 1_900)


def test_what_the_snapshot_does_not_know_is_null(world: World, settings: Settings) -> None:
    world.mail(people("other", 3), campaign="another")
    for found in (ask(world, settings), measured(None, settings, document())):
        assert (found["verdict"], found["conversion"], found["revenue"], found["variants"]) == (None, None, None, [])
        assert found["goal"]["ends_at"] is None


def test_a_fact_that_there_is_not_is_refused(tmp_path: Path) -> None:
    from pipelines.campaigns import parse_campaign
    from pipelines.errors import UsageError

    with pytest.raises(UsageError, match=r"goal\.event: there is no fact 'stripe:bought'"):
        parse_campaign("name: a\nsegment: b\nsubject: c\nhtml: d\ngoal: {event: 'stripe:bought'}", tmp_path)
