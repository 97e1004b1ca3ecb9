"""Groups of people as documents: what each did, and how two of them differ, with interval and verdict.

Money per person is told in whole minor units; what it is compared by is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

from pipelines.experiments.money import MoneyTest, bootstrap
from pipelines.experiments.outcomes import Group
from pipelines.experiments.rates import RateTest, holm, two_proportions
from pipelines.experiments.verdict import is_powered_money, is_powered_rate, needed_people, verdict

Json = dict[str, Any]


class Difference(NamedTuple):
    """Two groups, tested."""

    rate: RateTest
    money: MoneyTest


def difference(group: Group, other: Group, *, seed: int) -> Difference | None:
    """Test what one group did against the other; None where one is empty."""
    rate = two_proportions(group.converted, group.people, other.converted, other.people)
    money = bootstrap(group.nets, group.people, other.nets, other.people, seed=seed)
    return None if rate is None or money is None else Difference(rate, money)


def group_document(group: Group) -> tuple[Json, Json]:
    """How many reached the goal, and what they paid: as two documents."""
    people = group.people
    per_person = round(group.total.net / people) if people else None
    rate = {"people": people, "converted": group.converted, "rate": group.rate if people else None}
    return rate, {"people": people, **group.total.document(), "net_per_person_minor": per_person}


def compared(treated: Group, held_out: Group, *, seed: int, is_over: bool, is_split_valid: bool) -> Json:
    """The mailed beside the held out: conversion, revenue, and the verdict, which is the conversion's.

    Where nobody was held out there is no lift to tell, and no verdict.
    """
    found = difference(treated, held_out, seed=seed)
    rate, money = group_document(treated)
    conversion: Json = {"treated": rate, "holdout": None, **_NO_RATE, "incremental": None, "incremental_interval": None}
    earned: Json = {"treated": money, "holdout": None, **_NO_MONEY, **_NO_GAIN}
    if found is not None:
        rules = {"is_over": is_over, "is_split_valid": is_split_valid}
        base_rate, base_money = group_document(held_out)
        conversion |= {"holdout": base_rate, **_rate_document(found.rate, treated, held_out, None, **rules)}
        conversion["incremental"] = found.rate.lift * treated.people
        conversion["incremental_interval"] = [end * treated.people for end in found.rate.interval]
        earned |= {"holdout": base_money, **_money_document(found.money, held_out, None, **rules)}
        earned["incremental_minor"] = round(found.money.lift * treated.people)
        earned["incremental_interval_minor"] = [round(end * treated.people) for end in found.money.interval]
    return {"verdict": conversion["verdict"], "conversion": conversion, "revenue": earned}


_NO_RATE: Json = dict.fromkeys(("lift", "interval", "relative_lift", "z", "p_value", "needed_people", "verdict"))
_NO_MONEY: Json = dict.fromkeys(("lift_minor", "interval_minor", "p_value", "verdict"))
_NO_GAIN: Json = dict.fromkeys(("incremental_minor", "incremental_interval_minor"))


def variants_document(
    variants: Mapping[str, Group], held_out: Group, *, seed: int, is_over: bool, is_split_valid: bool
) -> Json:
    """Each variant beside the held out, each pair of variants, and the winner: p-values corrected within each family.

    A variant wins that beats every other one with the verdict `significant`; else nobody does.
    """
    rules = {"is_over": is_over, "is_split_valid": is_split_valid}
    tests = {name: difference(group, held_out, seed=seed) for name, group in variants.items()}
    told = [test for test in tests.values() if test is not None]
    rates = iter(holm([test.rate.p_value for test in told]))
    moneys = iter(holm([test.money.p_value for test in told]))
    rows = []
    for name, group in variants.items():
        rate, money = group_document(group)
        conversion: Json = {"treated": rate, **_NO_RATE, "p_adjusted": None}
        earned: Json = {"treated": money, **_NO_MONEY, "p_adjusted": None}
        if (test := tests[name]) is not None:
            conversion |= _rate_document(test.rate, group, held_out, next(rates), **rules)
            earned |= _money_document(test.money, held_out, next(moneys), **rules)
        rows.append({"variant": name, "conversion": conversion, "revenue": earned})
    pairs = _pairs(variants, seed=seed, **rules)
    return {"variants": rows, "comparisons": pairs, "winner": _winner(list(variants), pairs)}


def _pairs(variants: Mapping[str, Group], *, seed: int, is_over: bool, is_split_valid: bool) -> list[Json]:
    rules = {"is_over": is_over, "is_split_valid": is_split_valid}
    tested = [
        (first, second, found)
        for first, second in combinations(variants, 2)
        if (found := difference(variants[first], variants[second], seed=seed)) is not None
    ]
    adjusted = holm([found.rate.p_value for _, _, found in tested])
    money_adjusted = holm([found.money.p_value for _, _, found in tested])
    return [
        {
            "first": first,
            "second": second,
            "conversion": _rate_document(found.rate, variants[first], variants[second], p_value, **rules),
            "revenue": _money_document(found.money, variants[second], money_p_value, **rules),
        }
        for (first, second, found), p_value, money_p_value in zip(tested, adjusted, money_adjusted, strict=True)
    ]


def _winner(names: list[str], pairs: list[Json]) -> str | None:
    beaten: dict[str, set[str]] = {name: set() for name in names}
    for pair in pairs:
        if pair["conversion"]["verdict"] == "significant":
            ahead, behind = (pair["first"], pair["second"])
            if pair["conversion"]["lift"] < 0:
                ahead, behind = behind, ahead
            beaten[ahead].add(behind)
    return next((name for name in names if len(beaten[name]) == len(names) - 1 > 0), None)


def _rate_document(
    test: RateTest, group: Group, other: Group, adjusted: float | None, *, is_over: bool, is_split_valid: bool
) -> Json:
    powered = is_powered_rate(test, other.rate, group.people, other.people)
    p_value = test.p_value if adjusted is None else adjusted
    return {
        "lift": test.lift,
        "interval": list(test.interval),
        "relative_lift": test.lift / other.rate if other.rate else None,
        "z": test.z,
        "p_value": test.p_value,
        **({} if adjusted is None else {"p_adjusted": adjusted}),
        "needed_people": needed_people(test, other.rate),
        "verdict": verdict(p_value, is_powered=powered, is_over=is_over, is_split_valid=is_split_valid),
    }


def _money_document(
    test: MoneyTest, other: Group, adjusted: float | None, *, is_over: bool, is_split_valid: bool
) -> Json:
    base = other.total.net / other.people
    p_value = test.p_value if adjusted is None else adjusted
    powered = is_powered_money(test, base)
    return {
        "lift_minor": round(test.lift),
        "interval_minor": [round(end) for end in test.interval],
        "p_value": test.p_value,
        **({} if adjusted is None else {"p_adjusted": adjusted}),
        "verdict": verdict(p_value, is_powered=powered, is_over=is_over, is_split_valid=is_split_valid),
    }
