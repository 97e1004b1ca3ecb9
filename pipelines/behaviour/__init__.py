"""Questions about behaviour: query documents, and their answers from any relation of events.

`parse_funnel` and `parse_retention` turn a document into a question; `funnel`, `funnel_trends`,
`time_to_convert` and `retention` answer it; `people_at_step` names the people behind a bar. A relation comes from a
snapshot (`marts.fct_events`) or from opened files. Nothing here knows pages, commands or where the
data folder is.
"""

from pipelines.behaviour.answer import FunnelAnswer, FunnelPart, FunnelStep
from pipelines.behaviour.conversion import ConversionAnswer, time_to_convert
from pipelines.behaviour.facts import EMAIL, FACT_PROPERTIES, STRIPE
from pipelines.behaviour.funnels import funnel, people_at_step
from pipelines.behaviour.query import FunnelQuery, parse_funnel
from pipelines.behaviour.retention import RetentionAnswer, RetentionQuery, parse_retention, retention
from pipelines.behaviour.trends import TrendPeriod, TrendsAnswer, funnel_trends

__all__ = [
    "EMAIL",
    "FACT_PROPERTIES",
    "STRIPE",
    "ConversionAnswer",
    "FunnelAnswer",
    "FunnelPart",
    "FunnelQuery",
    "FunnelStep",
    "RetentionAnswer",
    "RetentionQuery",
    "TrendPeriod",
    "TrendsAnswer",
    "funnel",
    "funnel_trends",
    "parse_funnel",
    "parse_retention",
    "people_at_step",
    "retention",
    "time_to_convert",
]
