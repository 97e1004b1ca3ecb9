"""The formulas against published figures, against scipy and statsmodels, and against chance itself.

Both are imported where they are asked: every worker imports all modules, and one of them calls these.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.experiments import bootstrap, holm, sample_size, split_p_value, two_proportions
from pipelines.experiments.comparison import compared, variants_document
from pipelines.experiments.money import FEW
from pipelines.experiments.outcomes import Group, Paid
from pipelines.experiments.rates import quantile

NAMES = [f"p{number}" for number in range(6_000)]
RULES = {"is_over": True, "is_split_valid": True}


def group(people: int, converted: int, price: int = 1_000) -> Group:
    """People of whom so many reached the goal, and paid one price for it."""
    return Group(people, converted, {f"p{n}": Paid(price) for n in range(converted)})


def test_two_proportions_give_the_worked_figures() -> None:
    found = two_proportions(156, 4000, 120, 4000)
    assert found is not None
    assert round(found.z, 4) == 2.2053
    assert round(found.p_value, 4) == 0.0274
    assert round(100 * found.lift, 2) == 0.9
    assert [round(100 * end, 2) for end in found.interval] == [0.10, 1.70]


@pytest.mark.parametrize(
    ("base", "relative", "people"),
    [
        (0.20, 0.1, 6_510),
        (0.20, 0.2, 1_683),
        (0.03, 0.1, 53_211),
        (0.03, 0.2, 13_914),
        (0.01, 0.1, 163_095),
        (0.01, 0.2, 42_693),
    ],
)
def test_a_lift_takes_so_many_people_per_group(base: float, relative: float, people: int) -> None:
    assert sample_size(base, base * (1 + relative)) == people


@given(st.integers(1, 5_000), st.integers(1, 5_000), st.data())
def test_two_proportions_agree_with_statsmodels(people: int, base_people: int, data: st.DataObject) -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    converted = data.draw(st.sampled_from([0, people]) | st.integers(0, people))
    base = data.draw(st.sampled_from([0, base_people]) | st.integers(0, base_people))
    found = two_proportions(converted, people, base, base_people)
    assert found is not None
    if 0 < converted + base < people + base_people:
        z, p_value = proportions_ztest([converted, base], [people, base_people])
        assert found.z == pytest.approx(z)
        assert found.p_value == pytest.approx(p_value, rel=1e-6, abs=1e-300)
    else:
        assert (found.z, found.p_value) == (0, 1)
    # All alike within each group: the plain interval would be of no width.
    method = "newcomb" if converted in (0, people) and base in (0, base_people) else "wald"
    theirs = confint_proportions_2indep(converted, people, base, base_people, method=method)
    assert found.interval == pytest.approx(theirs, abs=1e-12)
    back = two_proportions(base, base_people, converted, people)
    assert back is not None
    assert (back.lift, back.p_value) == (-found.lift, found.p_value)
    assert back.z == pytest.approx(-found.z)


def test_holm_multiplies_each_by_those_that_are_left() -> None:
    # 4 x 0.005, 3 x 0.01, 2 x 0.03; the last is not less than the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.long
def test_holm_agrees_with_statsmodels() -> None:
    # This import takes longer than all of this module's tests.
    from statsmodels.stats.multitest import multipletests

    random = np.random.default_rng(4)
    for size in (1, 2, 2, 3, 5, 8, 8, 8):
        p_values = (random.random(size) ** 3).round(2).tolist()
        assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


@given(st.lists(st.tuples(st.integers(0, 9_000), st.integers(1, 9)), min_size=2, max_size=6))
def test_the_sizes_of_groups_are_judged_as_scipy_does(drawn: list[tuple[int, int]]) -> None:
    from scipy import stats

    people, shares = [count for count, _ in drawn], [share for _, share in drawn]
    found = split_p_value(people, shares)
    if not sum(people):
        assert found is None
        return
    expected = [sum(people) * share / sum(shares) for share in shares]
    assert found == pytest.approx(stats.chisquare(people, expected).pvalue, rel=1e-6, abs=1e-300)


def test_a_single_group_has_no_split_to_judge() -> None:
    assert split_p_value([100], [1.0]) is None
    assert split_p_value([100, 0], [1.0, 0.0]) is None


@pytest.mark.parametrize("distinct", [5, FEW + 400])
def test_the_bootstrap_agrees_with_scipy_s(distinct: int) -> None:
    """For few amounts and for many, which are drawn in two ways."""
    from scipy import stats

    random = np.random.default_rng(3)
    prices = np.sort(random.choice(np.arange(500, 90_000), distinct, replace=False))
    ours, theirs = (
        np.where(random.random(size) < chance, random.choice(prices, size), 0)
        for size, chance in ((1_500, 0.45), (900, 0.3))
    )
    found = bootstrap(list(ours[ours > 0]), len(ours), list(theirs[theirs > 0]), len(theirs), seed=1, times=4_000)
    assert found is not None
    other = stats.bootstrap(
        (ours, theirs), lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis), method="percentile",
        n_resamples=4_000, rng=np.random.default_rng(2), batch=200,
    )  # fmt: skip
    assert found.lift == pytest.approx(ours.mean() - theirs.mean())
    width = other.confidence_interval.high - other.confidence_interval.low
    for end, their_end in zip(found.interval, other.confidence_interval, strict=True):
        # Two bootstraps of one sample differ by chance; a twentieth of the width is several times that.
        assert end == pytest.approx(their_end, abs=width / 20)
    assert found.error == pytest.approx(float(np.sqrt(ours.var(ddof=1) / 1_500 + theirs.var(ddof=1) / 900)))
    welch = stats.ttest_ind(ours, theirs, equal_var=False)
    assert (found.p_value < 0.05) == (welch.pvalue < 0.05)


def test_the_same_question_gets_the_same_interval() -> None:
    asked = ([100] * 30, 400, [100] * 20, 400)
    assert bootstrap(*asked, seed=5) == bootstrap(*asked, seed=5)
    assert bootstrap(*asked, seed=5) != bootstrap(*asked, seed=6)


def test_groups_that_paid_nothing_are_not_told_apart() -> None:
    found = bootstrap([], 500, [], 400, seed=1)
    assert found is not None
    assert (found.lift, found.interval, found.p_value) == (0, (0, 0), 1)
    assert compared(group(500, 0), group(400, 0), seed=1, **RULES)["verdict"] == "underpowered"


@pytest.mark.parametrize(
    ("treated", "base", "rules", "word"),
    [
        (group(4_000, 400), group(4_000, 240), {}, "significant"),
        (group(4_000, 240), group(4_000, 400), {}, "significant"),
        (group(4_000, 800), group(4_000, 800), {}, "not_significant"),
        # p is 0.03, and an audience of this size would miss a lift like that four times in ten.
        (group(4_000, 156), group(4_000, 120), {}, "underpowered"),
        (group(200, 12), group(200, 10), {}, "underpowered"),
        # Nobody expects five in a cell: the normal distribution tells nothing.
        (group(6, 6), group(6, 0), {}, "underpowered"),
        (group(4_000, 400), group(4_000, 240), {"is_over": False}, "underpowered"),
        (group(4_000, 400), group(4_000, 240), {"is_split_valid": False}, "invalid_split"),
        (group(4_000, 400), group(4_000, 240), {"is_split_valid": False, "is_over": False}, "invalid_split"),
        (group(4_000, 400), group(0, 0), {}, None),
    ],
)
def test_a_difference_has_one_of_four_verdicts_or_none(
    treated: Group, base: Group, rules: dict[str, bool], word: str | None
) -> None:
    assert compared(treated, base, seed=1, **{**RULES, **rules})["verdict"] == word


def test_a_winner_beats_every_other_variant_and_needs_people_for_it() -> None:
    held_out = group(4_000, 400)
    clear = {"A": group(4_000, 400), "B": group(4_000, 620), "C": group(4_000, 410)}
    found = variants_document(clear, held_out, seed=1, **RULES)
    assert found["winner"] == "B"
    # Alone the difference of C would be significant: p 0.02, and thrice that among three.
    close = {"A": group(9_000, 900), "B": group(9_000, 900), "C": group(9_000, 996)}
    found = variants_document(close, group(9_000, 900), seed=1, **RULES)
    told = next(pair for pair in found["comparisons"] if (pair["first"], pair["second"]) == ("A", "C"))
    assert told["conversion"]["p_value"] < 0.05 < told["conversion"]["p_adjusted"]
    assert told["conversion"]["verdict"] == "not_significant"
    assert found["winner"] is None
    few = {"A": group(4_000, 120), "B": group(4_000, 156)}
    found = variants_document(few, group(4_000, 120), seed=1, **RULES)
    assert found["comparisons"][0]["conversion"]["p_value"] < 0.05
    assert (found["comparisons"][0]["conversion"]["verdict"], found["winner"]) == ("underpowered", None)


def test_a_thousand_campaigns_that_do_nothing_look_effective_in_one_of_twenty() -> None:
    """Through the product's own verdicts, by conversion and by money: 5 % ± 1.4 %, two standard deviations."""
    campaigns, people, chance = 1_000, 6_000, 0.2
    random = np.random.default_rng(20261130)
    prices = (900, 2_900, 9_900)
    words: dict[str, Counter[str]] = {"conversion": Counter(), "revenue": Counter()}
    drawn = random.multinomial(people, [chance * 0.5, chance * 0.3, chance * 0.2, 1 - chance], size=(campaigns, 2))
    for seed, (treated, held_out) in enumerate(drawn[:, :, :3]):
        found = compared(buyers(people, prices, treated), buyers(people, prices, held_out), seed=seed, **RULES)
        for kind, count in words.items():
            count[found[kind]["verdict"]] += 1
    for kind, count in words.items():
        assert 0.036 <= count["significant"] / campaigns <= 0.064, (kind, count)
    assert words["conversion"]["underpowered"] == 0


def buyers(people: int, prices: tuple[int, ...], numbers: np.ndarray) -> Group:
    """A group in which so many paid each price."""
    paid = [one for price, count in zip(prices, numbers, strict=True) for one in [Paid(price)] * count]
    return Group(people, len(paid), dict(zip(NAMES, paid, strict=False)))


def test_an_interval_holds_the_true_lift_nineteen_times_in_twenty() -> None:
    """The planted difference of 4 points lies inside in 95 % ± 1.4 % of 1,000 campaigns."""
    random = np.random.default_rng(7)
    treated, held_out = random.binomial(2_000, 0.24, 1_000), random.binomial(1_000, 0.2, 1_000)
    inside = 0
    for converted, base in zip(treated, held_out, strict=True):
        found = two_proportions(int(converted), 2_000, int(base), 1_000)
        assert found is not None
        inside += found.interval[0] <= 0.04 <= found.interval[1]
    assert 0.936 <= inside / 1_000 <= 0.964


def test_quantiles_are_those_of_the_normal_distribution() -> None:
    from scipy import stats

    assert quantile(0.975) == pytest.approx(stats.norm.ppf(0.975))
