"""Questions over the MRR ledger and the payments of one snapshot.

`mrr`, `movements`, `churn` and `cash` answer by period, in one currency or each in its own (`native`);
`mrr_by_product` takes MRR apart; `movements_by_customer` and `movers` name the customers behind a
movement; `compare` tells why profiles differ; `explain` tells the rows behind one day's number; `summary`
gives the few figures that the overview and the demo show. `asked_report` and `asked_explanation` take a
question as it was written.
Currencies are converted when asked, by dated rates.
"""

from pipelines.revenue.accounts import check_account
from pipelines.revenue.asked import Explained, Grain, Group, Report, asked_explanation, asked_report, check_group
from pipelines.revenue.cash import cash
from pipelines.revenue.compare import CAUSES, compare
from pipelines.revenue.customers import Move, movements_by_customer, movers
from pipelines.revenue.explain import explain
from pipelines.revenue.ledger import NATIVE, Period, periods
from pipelines.revenue.products import mrr_by_product
from pipelines.revenue.profiles import DEFAULT_PROFILE, check_profile, profiles
from pipelines.revenue.rates import Rates, load_rates
from pipelines.revenue.reports import churn, movements, mrr
from pipelines.revenue.summary import Summary, summary

__all__ = [
    "CAUSES",
    "DEFAULT_PROFILE",
    "NATIVE",
    "Explained",
    "Grain",
    "Group",
    "Move",
    "Period",
    "Rates",
    "Report",
    "Summary",
    "asked_explanation",
    "asked_report",
    "cash",
    "check_account",
    "check_group",
    "check_profile",
    "churn",
    "compare",
    "explain",
    "load_rates",
    "movements",
    "movements_by_customer",
    "movers",
    "mrr",
    "mrr_by_product",
    "periods",
    "profiles",
    "summary",
]
