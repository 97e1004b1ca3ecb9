"""Questions over the MRR ledger and the payments of one snapshot.

`mrr`, `movements` and `churn` answer by period in the reporting currency; `summary` gives the few
figures that the overview and the demo show. Currencies are converted when asked, by dated rates.
"""

from pipelines.revenue.ledger import Period, periods
from pipelines.revenue.rates import Rates, load_rates
from pipelines.revenue.reports import churn, movements, mrr
from pipelines.revenue.summary import Summary, summary

__all__ = ["Period", "Rates", "Summary", "churn", "load_rates", "movements", "mrr", "periods", "summary"]
