"""The landing zone: what we acknowledged is here, as it came, and survives a power cut.

Input becomes sealed segments of bounded size, named by their content and listed in an append-only
manifest; an index leads from person keys to segments, so that a person can be erased. What comes
over a network waits in a `Journal` until a load or its size seals it. Together with the state store
the landing zone is enough to rebuild everything else. Parsing is not done here.
"""

from pipelines.landing.inputs import load_new_inputs
from pipelines.landing.journal import Appender, Journal, NotStoredError, OverloadedError
from pipelines.landing.manifest import Segment
from pipelines.landing.records import Label
from pipelines.landing.store import Landing

__all__ = ["Appender", "Journal", "Label", "Landing", "NotStoredError", "OverloadedError", "Segment", "load_new_inputs"]
