"""Questions about behaviour: query documents, and their answers from any relation of events.

`parse_funnel`, `parse_retention`, `parse_trends` and `parse_paths` turn a document into a question;
`funnel`, `funnel_trends`, `time_to_convert`, `retention`, `event_trends` and `paths` answer it; `people_at_step`
names the people behind a bar. A relation comes from a snapshot (`published_events`) or from opened files. Nothing
here knows pages, commands or where the data folder is.
"""

from pipelines.behaviour.answer import FunnelAnswer, FunnelPart, FunnelStep
from pipelines.behaviour.asked import Asked, check_users, funnel_document, funnel_of_kind, published_events
from pipelines.behaviour.conversion import ConversionAnswer, ConversionPart, time_to_convert
from pipelines.behaviour.documents import read_query
from pipelines.behaviour.event_trends import event_trends
from pipelines.behaviour.facts import EMAIL, FACT_PROPERTIES, STRIPE, check_name, facts_sql, is_fact
from pipelines.behaviour.funnels import funnel, people_at_step
from pipelines.behaviour.measures import COUNTED, OF_A_PROPERTY
from pipelines.behaviour.paths import PathLink, PathRest, PathsAnswer, PathsQuery, parse_paths, paths
from pipelines.behaviour.query import FunnelQuery, parse_funnel
from pipelines.behaviour.retention import RetentionAnswer, RetentionQuery, parse_retention, retention
from pipelines.behaviour.trend_lines import EventTrendsAnswer, Line
from pipelines.behaviour.trend_query import EventTrendsQuery, parse_trends
from pipelines.behaviour.trends import TrendPart, TrendPeriod, TrendsAnswer, funnel_trends

__all__ = [
    "COUNTED",
    "EMAIL",
    "FACT_PROPERTIES",
    "OF_A_PROPERTY",
    "STRIPE",
    "Asked",
    "ConversionAnswer",
    "ConversionPart",
    "EventTrendsAnswer",
    "EventTrendsQuery",
    "FunnelAnswer",
    "FunnelPart",
    "FunnelQuery",
    "FunnelStep",
    "Line",
    "PathLink",
    "PathRest",
    "PathsAnswer",
    "PathsQuery",
    "RetentionAnswer",
    "RetentionQuery",
    "TrendPart",
    "TrendPeriod",
    "TrendsAnswer",
    "check_name",
    "check_users",
    "event_trends",
    "facts_sql",
    "funnel",
    "funnel_document",
    "funnel_of_kind",
    "funnel_trends",
    "is_fact",
    "parse_funnel",
    "parse_paths",
    "parse_retention",
    "parse_trends",
    "paths",
    "people_at_step",
    "published_events",
    "read_query",
    "retention",
    "time_to_convert",
]
