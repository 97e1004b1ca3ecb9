"""Exchange rates beside those that the product ships: from a file or an address, landed, then in `raw_rates`.

`refresh` asks the source that the settings name, `ingest_rates` any other; `load_landed` turns what lies
in the landing zone into `raw_rates.rates`, one row per currency and day, the last told. A source that
does not answer leaves the rates as they are, and `raw_rates.fetches` says so.
"""

from pipelines.rates.fetch import RatesUnreachableError
from pipelines.rates.load import ingest_rates, load_landed, prepare_rates, refresh

__all__ = ["RatesUnreachableError", "ingest_rates", "load_landed", "prepare_rates", "refresh"]
