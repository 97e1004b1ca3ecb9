"""Experiments: what a campaign earned, measured against people who got nothing.

`told_report` is the report of a campaign: the ledger's counts and proof (the room `delivery`), and beside them who
reached the goal and what they paid, mailed and held out, with lift, interval and verdict; `people_who_reached` names
them. `back_test` tells the same of
people who were never mailed: who would have got it on a day, and what they did next. The formulas stand alone in
`rates` (two proportions, sample sizes, Holm), `money` (bootstrap) and `split` (were the groups drawn as planned), the
rules of a verdict in `verdict`; docs/experiments.md says how to read them.
"""

from pipelines.experiments.back_test import back_test
from pipelines.experiments.measure import measured, people_who_reached
from pipelines.experiments.money import MoneyTest, bootstrap
from pipelines.experiments.rates import RateTest, holm, sample_size, two_proportions
from pipelines.experiments.report import told_report
from pipelines.experiments.split import split_p_value
from pipelines.experiments.verdict import Verdict

__all__ = [
    "MoneyTest",
    "RateTest",
    "Verdict",
    "back_test",
    "bootstrap",
    "holm",
    "measured",
    "people_who_reached",
    "sample_size",
    "split_p_value",
    "told_report",
    "two_proportions",
]
