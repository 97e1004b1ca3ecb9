"""From one profile's MRR to another's as a picture, and its finding in a sentence."""

from __future__ import annotations

from dashboards.charts.option import Option
from dashboards.charts.palette import Palette
from dashboards.charts.waterfall import Stage, waterfall
from dashboards.parts.money import compact_money, major, money, short_money
from dashboards.queries.profiles import Pair
from pipelines.revenue import DEFAULT_PROFILE

CAUSE_NAMES = {
    "coupon": "Coupons",
    "trial": "Start",
    "past_due": "Past due",
    "pause": "Pauses",
    "timing": "End",
    "fx": "Exchange rates",
    "rounding": "Rounding",
}


def profile_chart(pair: Pair, colours: Palette) -> Option:
    """The default profile's MRR, what each cause adds or takes away, and the other profile's MRR."""

    def stage(name: str, minor: int, colour: str, *, is_balance: bool = False) -> Stage:
        whole, short = money(minor, pair.currency), short_money(minor, pair.currency)
        return Stage(name, float(major(minor, pair.currency)), whole, short, colour, is_balance)

    kinds = colours.movements
    stages = [stage(DEFAULT_PROFILE, pair.from_minor, colours.muted, is_balance=True)]
    stages += [
        stage(CAUSE_NAMES[cause], minor, kinds["expansion"] if minor >= 0 else kinds["contraction"])
        for cause, minor in pair.causes.items()
    ]
    stages.append(stage(pair.profile, pair.to_minor, colours.accent, is_balance=True))
    return waterfall(stages, currency=pair.currency, alt=finding(pair), colours=colours)


def finding(pair: Pair) -> str:
    """What the picture shows, as a sentence."""
    ends = (
        f"{compact_money(pair.from_minor, pair.currency)}, {pair.profile} {compact_money(pair.to_minor, pair.currency)}"
    )
    parts = ", ".join(
        f"{CAUSE_NAMES[cause].lower()} {compact_money(minor, pair.currency)}" for cause, minor in pair.causes.items()
    )
    return f"MRR by {DEFAULT_PROFILE} {ends}: {parts or 'no difference'}."
