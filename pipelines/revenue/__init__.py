"""Questions over the MRR ledger and the payments of one snapshot.

`mrr`, `movements`, `churn` and `cash` answer by period, in one currency or each in its own (`native`);
`mrr_by_group` and `movements_by_group` take them apart; `movers` names the customers behind a
movement; `compare` tells why profiles differ; `explain` tells the rows behind one day's number; `summary`
gives the few figures that the overview and the demo show. `asked_report` and `asked_explanation` take a
question as it was written.
Currencies are converted when asked, by dated rates.
"""

from pipelines.revenue.accounts import check_account
from pipelines.revenue.apart import movements_by_group, mrr_by_group
from pipelines.revenue.asked import (
    Explained,
    Grain,
    Report,
    asked_explanation,
    asked_report,
    check_against,
    check_group,
)
from pipelines.revenue.cash import cash
from pipelines.revenue.clocks import as_reported
from pipelines.revenue.compare import CAUSES, compare
from pipelines.revenue.customers import Move, movers
from pipelines.revenue.explain import explain
from pipelines.revenue.groupings import GROUPS, Group
from pipelines.revenue.ledger import NATIVE, Period, periods
from pipelines.revenue.profiles import DEFAULT_PROFILE, check_profile, profiles
from pipelines.revenue.rates import Rates, load_rates
from pipelines.revenue.reports import RatesOf, churn, movements, mrr
from pipelines.revenue.summary import Summary, summary

__all__ = [
    "CAUSES",
    "DEFAULT_PROFILE",
    "GROUPS",
    "NATIVE",
    "Explained",
    "Grain",
    "Group",
    "Move",
    "Period",
    "Rates",
    "RatesOf",
    "Report",
    "Summary",
    "as_reported",
    "asked_explanation",
    "asked_report",
    "cash",
    "check_account",
    "check_against",
    "check_group",
    "check_profile",
    "churn",
    "compare",
    "explain",
    "load_rates",
    "movements",
    "movements_by_group",
    "movers",
    "mrr",
    "mrr_by_group",
    "periods",
    "profiles",
    "summary",
]
