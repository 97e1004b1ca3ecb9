"""Questions over the MRR ledger and the payments of one snapshot.

`mrr`, `movements`, `churn`, `nrr`, `quick_ratio`, `arpa`, `ltv`, `cohorts`, `scheduled`, `deferred`, `recovery`, `cash`
answer by period, in one currency or each in its own (`native`), `trials` by period, `survival` by day of a life;
`buyer_cohorts` are the cohorts of all who ever paid;
`mrr_by_group` and `movements_by_group` take them apart; `movers` names the customers behind a
movement; `compare` tells why profiles differ; `explain` tells the rows behind one day's number; `summary`
gives the few figures that the overview and the demo show. Each report by period takes a snapshot and a
`Question`; `asked_report` and `asked_explanation` take one as it was written.
Currencies are converted when asked, by dated rates.
"""

from pipelines.revenue.accounts import check_account
from pipelines.revenue.apart import movements_by_group, mrr_by_group
from pipelines.revenue.asked import Explained, Grain, Report, asked_explanation, asked_report
from pipelines.revenue.buyers import buyer_cohorts
from pipelines.revenue.cash import cash
from pipelines.revenue.clocks import as_reported
from pipelines.revenue.cohorts import cohorts
from pipelines.revenue.compare import CAUSES, compare
from pipelines.revenue.customers import Move, movers
from pipelines.revenue.deferred import deferred
from pipelines.revenue.explain import explain
from pipelines.revenue.groupings import GROUPS, Group
from pipelines.revenue.kaplan_meier import kaplan_meier
from pipelines.revenue.ledger import NATIVE, Period, periods
from pipelines.revenue.ltv import ltv
from pipelines.revenue.options import check_against, check_group, check_published
from pipelines.revenue.profiles import DEFAULT_PROFILE, check_profile, profiles
from pipelines.revenue.question import Question
from pipelines.revenue.rates import Rates, load_rates
from pipelines.revenue.ratios import arpa, quick_ratio
from pipelines.revenue.recovery import recovery
from pipelines.revenue.reports import RatesOf, churn, movements, mrr
from pipelines.revenue.retained import nrr
from pipelines.revenue.scheduled import scheduled
from pipelines.revenue.summary import Summary, summary
from pipelines.revenue.survival import survival
from pipelines.revenue.trials import trials

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
    "Question",
    "Rates",
    "RatesOf",
    "Report",
    "Summary",
    "arpa",
    "as_reported",
    "asked_explanation",
    "asked_report",
    "buyer_cohorts",
    "cash",
    "check_account",
    "check_against",
    "check_group",
    "check_profile",
    "check_published",
    "churn",
    "cohorts",
    "compare",
    "deferred",
    "explain",
    "kaplan_meier",
    "load_rates",
    "ltv",
    "movements",
    "movements_by_group",
    "movers",
    "mrr",
    "mrr_by_group",
    "nrr",
    "periods",
    "profiles",
    "quick_ratio",
    "recovery",
    "scheduled",
    "summary",
    "survival",
    "trials",
]
