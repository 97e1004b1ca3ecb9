"""Questions about behaviour: query documents, and their answers from any relation of events.

`parse_funnel` turns a document into a question, `funnel` answers it, `people_at_step` names the
people behind a bar. A relation comes from a snapshot (`marts.fct_events`) or from opened files.
Nothing here knows pages, commands or where the data folder is.
"""

from pipelines.behaviour.answer import FunnelAnswer, FunnelStep
from pipelines.behaviour.funnels import funnel, people_at_step
from pipelines.behaviour.query import FunnelQuery, parse_funnel

__all__ = ["FunnelAnswer", "FunnelQuery", "FunnelStep", "funnel", "parse_funnel", "people_at_step"]
