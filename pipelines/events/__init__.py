"""Events: from files and messages to deduplicated rows, visitors and people.

`ingest_files` lands and loads, `load_landed` loads what lies in the landing zone and is not in the
warehouse yet, `open_files` answers from files alone without touching the data folder. All three
read, map, identify and deduplicate by the same SQL.
"""

from pipelines.events.ingest import file_format, find_files, ingest_files
from pipelines.events.load import load_landed, prepare_events
from pipelines.events.scratch import open_files
from pipelines.landing.summary import LoadSummary

__all__ = ["LoadSummary", "file_format", "find_files", "ingest_files", "load_landed", "open_files", "prepare_events"]
