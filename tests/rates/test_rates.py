"""Exchange rates from files and addresses: landed, loaded once, bad lines set aside, an outage told and harmless."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import invoke
from pipelines.operations import prepare_warehouse
from pipelines.operations.doctor import examine
from pipelines.operations.health import store_loads
from pipelines.rates import RatesUnreachableError, ingest_rates, load_landed, refresh
from pipelines.settings import Settings
from pipelines.warehouse import Warehouse, publish

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HISTORY = "Date,USD,JPY,CYP,\n2026-11-20,1.1585,181.49,N/A,\n2026-11-19,1.1576,N/A,N/A,\n"
"""As the Bank writes eurofxref-hist.csv, the comma at the end included."""
DAILY = "Date, USD, JPY, \n23 November 2026, 1.1510, 180.10, \n"


def rates(settings: Settings) -> dict[tuple[date, str], Decimal]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        rows = connection.execute("select rate_date, currency, units_per_eur from raw_rates.rates").fetchall()
    return {(day, currency): units.normalize() for day, currency, units in rows}


@contextmanager
def served(content: bytes, status: int = 200) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_lines_that_are_no_rate_are_set_aside_with_file_line_and_reason(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(
        "date,currency,rate\n2026-11-20,kwd,0.356\n2026-13-01,USD,1.1\n2026-11-20,US,1.1\n"
        "2026-11-20,USD,-1\n2026-11-20,USD,abc\n2026-11-20\n2026-11-23,KWD,0.3550\n"
    )
    assert invoke(["ingest", "rates", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["read"], told["loaded"], told["unchanged"], told["quarantined"]) == (7, 2, 0, 5)
    assert rates(settings) == {
        (date(2026, 11, 20), "KWD"): Decimal("0.356"),
        (date(2026, 11, 23), "KWD"): Decimal("0.355"),
    }
    (aside,) = (settings.quarantine_dir / "rates").glob("*.jsonl")
    bad = [json.loads(line) for line in aside.read_text().splitlines()]
    assert [(one["file"], one["line"], one["reason"].split(":")[0]) for one in bad] == [
        ("rates.csv", 3, "date"),
        ("rates.csv", 4, "currency"),
        ("rates.csv", 5, "rate"),
        ("rates.csv", 6, "rate"),
        ("rates.csv", 7, "1 columns, the header has 3"),
    ]
    assert invoke(["ingest", "rates", str(path), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["read"], again["loaded"], again["unchanged"]) == (7, 0, 7)


def test_the_banks_own_files_are_read_zipped_and_over_http(settings: Settings, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("eurofxref-hist.csv", HISTORY)
    with served(packed.getvalue()) as address:
        summary = ingest_rates(settings, f"{address}/stats/eurofxref-hist.zip?key=secret", now=NOW)
    assert (summary.read, summary.loaded, summary.quarantined) == (2, 2, 0)
    (tmp_path / "eurofxref.csv").write_text(DAILY)
    assert ingest_rates(settings, str(tmp_path / "eurofxref.csv"), now=NOW).loaded == 1
    assert rates(settings) == {
        (date(2026, 11, 20), "USD"): Decimal("1.1585"),
        (date(2026, 11, 20), "JPY"): Decimal("181.49"),
        (date(2026, 11, 19), "USD"): Decimal("1.1576"),
        (date(2026, 11, 23), "USD"): Decimal("1.151"),
        (date(2026, 11, 23), "JPY"): Decimal("180.1"),
    }
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        sources = connection.execute("select source from raw_rates.fetches order by 1").fetchall()
    assert not any("secret" in source for (source,) in sources)


def test_what_was_told_last_counts_and_a_new_warehouse_has_the_same_rates(settings: Settings, tmp_path: Path) -> None:
    for number, rate in enumerate(("1.10", "1.20")):
        path = tmp_path / f"{number}.csv"
        path.write_text(f"date,currency,rate\n2026-11-20,USD,{rate}\n2026-11-19,USD,1.05\n")
        ingest_rates(settings, str(path), now=NOW)
    found = rates(settings)
    assert found == {(date(2026, 11, 20), "USD"): Decimal("1.2"), (date(2026, 11, 19), "USD"): Decimal("1.05")}
    settings.warehouse_path.unlink()
    with Warehouse(settings).write("test") as connection:
        load_landed(connection, settings, now=NOW)
    assert rates(settings) == found


@pytest.mark.parametrize(
    ("content", "status", "said"), [(b"", 503, "answered 503"), (b"PK\x05\x06" + 18 * b"\0", 200, "not one CSV")]
)
def test_a_source_that_gives_nothing_leaves_the_rates_and_doctor_says_so(
    settings: Settings, tmp_path: Path, content: bytes, status: int, said: str
) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("date,currency,rate\n2026-11-20,USD,1.10\n")
    ingest_rates(settings, str(path), now=NOW)
    with served(content, status) as address:
        with pytest.raises(RatesUnreachableError, match=said):
            ingest_rates(settings, address, now=NOW)
        # The pipeline goes on.
        refresh(settings.model_copy(update={"rates": address}), now=NOW)
    assert rates(settings) == {(date(2026, 11, 20), "USD"): Decimal("1.1")}
    prepare_warehouse(settings, purpose="test")
    with Warehouse(settings).write("test") as connection:
        store_loads(connection)
        publish(connection, settings, as_of=NOW, now=NOW)
    document = examine(settings, is_offline=True)
    assert [one for one in document["problems"] if said in one["what"]]
    assert sorted(one["problem"] is None for one in document["rates"]) == [False, True]


def test_a_source_that_is_not_there_is_a_wrong_call(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["ingest", "rates", str(tmp_path / "nowhere.csv")]) == 2
    assert invoke(["ingest", "rates"]) == 2
    assert "MILLSTREAM_RATES" in capsys.readouterr().err
    assert not settings.warehouse_path.exists()
