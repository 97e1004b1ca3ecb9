from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from dashboards.parts.money import compact_money
from dashboards.parts.words import literal
from pipelines.delivery import report
from pipelines.mail import mailer_for
from pipelines.operations.health import store_checks, store_loads
from pipelines.quality import CheckResult, masked_row
from pipelines.revenue import Question, movements, summary
from pipelines.state import open_state, writing
from pipelines.state.tables import builds
from pipelines.warehouse import Snapshot, Warehouse, publish
from pipelines.warehouse.lake import refresh_lake_view
from tests.dashboards.places import CAMPAIGN, NOW, SUBJECT, settings_of
from tests.dashboards.reading import findings, words

PAGES = (
    "overview",
    "revenue",
    "subscriptions",
    "funnel",
    "trends",
    "paths",
    "retention",
    "segments",
    "campaigns",
    "customers",
    "data_health",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_over_data_without_an_error(open_page, filled_folder: Path, page: str) -> None:
    app = open_page(filled_folder, page)
    assert not app.exception
    assert not app.error
    assert "Demo data." in words(app)
    assert "Data as of 00:00, 24 Nov (UTC)" in words(app)
    assert "None" not in words(app)
    assert "nan" not in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_over_an_empty_folder_and_names_the_next_step(open_page, tmp_path: Path, page: str) -> None:
    app = open_page(tmp_path / "data", page)
    assert not app.exception
    assert not app.error
    assert "No data published yet" in words(app)
    assert any("millstream" in code.value for code in app.code)
    assert "Demo data." not in words(app)


def test_the_overview_shows_what_the_revenue_room_answers(open_page, filled_folder: Path, snapshot: Snapshot) -> None:
    figures = summary(snapshot, currency="USD", timezone="UTC")
    app = open_page(filled_folder)
    assert compact_money(figures.mrr_minor, "USD") in words(app)
    assert f">{figures.customers}<" in words(app)


def test_the_movement_bars_are_the_months_of_the_revenue_room(
    open_page, filled_folder: Path, snapshot: Snapshot
) -> None:
    months = movements(
        snapshot,
        Question(date_from=date(2026, 9, 1), date_to=date(2026, 11, 23), by="month", currency="USD", timezone="UTC"),
    )
    rows = months["rows"]
    assert isinstance(rows, list)
    gained = sum(max(row[f"{kind}_minor"], 0) for row in rows for kind in ("new", "expansion", "reactivation"))
    app = open_page(filled_folder)
    assert gained > 0
    assert any(f"gained {compact_money(gained, 'USD')}" in finding for finding in findings(app))


def test_the_funnel_page_counts_the_planted_funnel(open_page, filled_folder: Path) -> None:
    truth = json.loads((filled_folder / "business" / "truth.json").read_text())["funnel"]
    app = open_page(filled_folder, "funnel")
    app.date_input(key="days").set_value((date(2025, 1, 1), date(2026, 11, 23))).run()
    assert not app.error
    for people in truth["people"]:
        assert f">{people}<" in words(app)


def test_an_unknown_value_in_a_link_is_dropped(open_page, filled_folder: Path) -> None:
    app = open_page(filled_folder, address={"range": "7 centuries"})
    assert not app.exception
    assert not app.error


def test_the_campaign_page_tells_what_became_of_the_mails(open_page, filled_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    assert "What became of the mails" not in words(open_page(folder, "campaigns"))
    with Warehouse(settings_of(folder)).write("test") as connection:
        connection.execute(
            "insert into marts.fct_campaign_recipients by name "
            "select $campaign as campaign, recipient_id, is_delivered, is_clicked, false as is_opened, "
            "false as is_bounced, false as is_complained, false as is_unsubscribed "
            "from (values ('a', true, true), ('b', true, false), ('c', false, false)) as "
            "told (recipient_id, is_delivered, is_clicked)",
            {"campaign": CAMPAIGN},
        )
        refresh_lake_view(connection, settings_of(folder))
        publish(connection, settings_of(folder), as_of=NOW, now=NOW)
    app = open_page(folder, "campaigns")
    assert not app.exception
    found = words(app)
    assert found.index("What became of the mails") < found.index("delivered</td>") < found.index("clicked</td>")
    assert "bounced</td>" not in found


def test_the_campaign_page_shows_the_certificate_of_the_report(open_page, filled_folder: Path) -> None:
    settings = settings_of(filled_folder)
    told = report(open_state(settings), CAMPAIGN, mailer_for(settings))
    assert told["accepted"] > 0
    app = open_page(filled_folder, "campaigns")
    assert told["certificate"] in words(app)
    assert "duplicates 0, missing 0" in words(app)


def test_text_from_a_document_is_never_markup(open_page, filled_folder: Path) -> None:
    app = open_page(filled_folder, "campaigns")
    assert SUBJECT not in words(app)
    assert "&lt;b&gt;News" in words(app)
    assert not any("elsewhere.example" in element.value for element in app.markdown)


def test_a_failed_build_is_told_beside_the_figures_of_the_snapshot_before(
    open_page, filled_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    with writing(open_state(settings_of(folder))) as connection:
        connection.execute(
            insert(builds).values(
                build_id="broken",
                started_at=NOW + timedelta(hours=1),
                finished_at=NOW + timedelta(hours=1),
                outcome="failed",
                reason="1 check(s) failed: amount_is_in_range on raw_stripe.charges",
            )
        )
    health = open_page(folder, "data_health")
    assert "The last build failed. The figures are those of snapshot 1." in health.error[0].value
    assert "amount_is_in_range on raw_stripe.charges" in words(health)
    overview = open_page(folder)
    assert "the last build failed" in words(overview)
    assert "MRR" in words(overview)


def test_rows_that_failed_and_values_nobody_knows_are_shown_masked(
    open_page, filled_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    rows = (masked_row("default/false/ch_1", {"email": "ann@example.com", "amount": -5, "currency": None}),)
    failed = CheckResult("amount_is_in_range", "raw_stripe.charges", "great_expectations", "warn", False, 1, "", rows)
    with Warehouse(settings_of(folder)).write("test") as connection:
        connection.execute(
            'update raw_stripe.charges set payload = json_merge_patch(payload, \'{"status": "floating"}\') '
            "where id = (select min(id) from raw_stripe.charges)"
        )
        refresh_lake_view(connection, settings_of(folder))
        connection.execute(
            "insert into raw_rates.fetches values ('http://rates.test', now(), null, 'exchange rates: no answer.')"
        )
        store_checks(connection, [failed], now=NOW)
        store_loads(connection)
        publish(connection, settings_of(folder), as_of=NOW, now=NOW)
    app = open_page(folder, "data_health")
    assert not app.exception
    frames = [frame.value.to_dict("records") for frame in app.dataframe]
    assert [
        {
            "Check": "amount is in range",
            "Table": "raw_stripe.charges",
            "Row": "default/false/ch_1",
            "Values": "email: •••, amount: -5, currency: empty",
        }
    ] in frames
    assert [{"Value": "floating", "Field": "status", "Table": "raw_stripe.charges", "Rows": 1}] in frames
    assert "New at Stripe" in words(app)
    assert [one.value for one in app.warning] == [literal("exchange rates: no answer. They came last: never.")]


def test_a_damaged_folder_is_told_in_a_sentence_and_not_by_a_trace(
    open_page, filled_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    (folder / "published" / "CURRENT").write_text("77")
    app = open_page(folder)
    assert not app.exception
    assert "Nothing was changed" in app.error[0].value


def test_a_folder_with_events_only_still_opens(open_page, filled_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(filled_folder, tmp_path / "data")
    path = folder / "published" / "000001.json"
    manifest = json.loads(path.read_text())
    manifest["tables"] = {
        name: table for name, table in manifest["tables"].items() if not name.startswith(("marts.", "health."))
    }
    path.write_text(json.dumps(manifest))
    overview = open_page(folder)
    assert not overview.error
    assert "No payments are published yet" in overview.info[0].value
    for page in PAGES[1:]:
        app = open_page(folder, page)
        assert not app.exception
        assert not app.error
