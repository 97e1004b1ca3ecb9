"""The code location is one unbroken graph with every check in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from pipelines.campaigns.gates import GATES
from pipelines.definitions import defs
from pipelines.defs.transform.assets import manifest
from pipelines.quality import COUNTED, FRESH, SOURCES, SUITES, USUAL
from pipelines.stripe.catalogue import TABLES

ROOT = Path(__file__).parents[2]
PAGES = {f"dashboards/{page.stem}" for page in (ROOT / "dashboards" / "app_pages").glob("*.py")}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> dg.AssetGraph:
    return definitions.resolve_asset_graph()


def test_nothing_depends_on_an_asset_that_nobody_makes(graph: dg.AssetGraph) -> None:
    dangling = {key.to_user_string() for key in graph.get_all_asset_keys() if not graph.get(key).is_materializable}
    assert dangling == PAGES


def above(graph: dg.AssetGraph, key: dg.AssetKey) -> set[str]:
    """The asset itself and all that it needs, as text."""
    found, wanted = {key}, [key]
    while wanted:
        for parent in graph.get(wanted.pop()).parent_keys - found:
            found.add(parent)
            wanted.append(parent)
    return {key.to_user_string() for key in found}


def test_the_graph_is_one_piece_from_the_sources_to_the_segments(graph: dg.AssetGraph) -> None:
    sources = {name.split("/")[0] for name in above(graph, dg.AssetKey(["segments", "memberships"]))}
    assert {"raw_stripe", "raw_events", "raw_email", "raw_state", "staging", "marts", "published"} <= sources


def test_each_page_is_where_the_graph_ends_and_hangs_on_the_marts_of_its_exposure(graph: dg.AssetGraph) -> None:
    exposures = {node["name"]: node for node in manifest()["exposures"].values()}
    assert {f"dashboards/{name}" for name in exposures} == PAGES
    for name, exposure in exposures.items():
        page = graph.get(dg.AssetKey(["dashboards", name]))
        assert not page.child_keys
        read = {unique_id.split(".")[-1] for unique_id in exposure["depends_on"]["nodes"]}
        assert read | {"snapshot"} == {key.path[-1] for key in page.parent_keys}
        assert {"published/snapshot", "raw_stripe/charges", "raw_events/events"} <= above(graph, page.key)


def test_every_expectation_and_every_dbt_test_is_a_check_of_the_graph(graph: dg.AssetGraph) -> None:
    registered = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    expectations = {(suite.table.replace(".", "/"), one.name) for suite in SUITES for one in suite.expectations}
    assert expectations <= registered
    assert {(source.table.replace(".", "/"), FRESH) for source in SOURCES} <= registered
    assert {(counted.table.replace(".", "/"), USUAL) for counted in COUNTED} <= registered
    tests = {node["name"] for node in manifest()["nodes"].values() if node["resource_type"] == "test"}
    assert tests - {name for _, name in registered} == set()


def test_every_landed_table_is_read_by_a_model_and_has_a_suite(graph: dg.AssetGraph) -> None:
    landed = {key for key in graph.get_all_asset_keys() if key.path[0] in ("raw_stripe", "raw_events", "raw_email")}
    assert {key for key in landed if key.path[0] == "raw_stripe"} == {
        dg.AssetKey(["raw_stripe", table]) for table in (*TABLES.values(), "object_versions")
    }
    unread = {key.path[-1] for key in landed if key.path[0] == "raw_stripe" and not graph.get(key).child_keys}
    assert unread == set()
    suites = {suite.table for suite in SUITES}
    assert {f"raw_stripe.{table}" for table in TABLES.values()} <= suites
    assert {"raw_events.events", "raw_email.events"} <= suites


def test_writers_and_senders_run_in_process_so_that_a_kill_leaves_no_orphan(definitions: dg.Definitions) -> None:
    for name in ("pipeline", "received_data", "campaigns"):
        assert definitions.resolve_job_def(name).executor_def is dg.in_process_executor


def test_the_pipeline_mails_nobody_and_neither_job_waits_for_the_other(definitions: dg.Definitions) -> None:
    mails = dg.AssetKey(["campaigns", "sent"])
    pipeline, campaigns = (definitions.resolve_job_def(name) for name in ("pipeline", "campaigns"))
    assert mails not in pipeline.asset_layer.executable_asset_keys
    assert pipeline.asset_layer.executable_asset_keys == definitions.resolve_asset_graph().executable_asset_keys - {
        mails
    }
    assert campaigns.asset_layer.executable_asset_keys == {mails}
    turns = {name: definitions.resolve_job_def(name).tags["millstream/turn"] for name in ("pipeline", "received_data")}
    assert set(turns.values()) == {"pipeline"}
    assert campaigns.tags["millstream/turn"] == "campaigns"


def test_campaigns_stand_below_the_data_that_they_must_not_go_without(graph: dg.AssetGraph) -> None:
    needed = above(graph, dg.AssetKey(["campaigns", "sent"]))
    assert {"published/snapshot", "segments/memberships", "raw_state/consents", "raw_state/suppressions"} <= needed
    gates = {key.name for key in graph.asset_check_keys if key.name.startswith("campaigns_may_go_by_")}
    assert gates == {f"campaigns_may_go_by_{gate}" for gate in GATES}


def test_assets_that_write_the_warehouse_share_its_pool(definitions: dg.Definitions) -> None:
    readers = {"segments__memberships", "campaigns__sent", "campaign_gates"}
    steps = {found.op.name: found.op for found in definitions.resolve_asset_graph().assets_defs if found.is_executable}
    assert {name for name, op in steps.items() if op.pool != "warehouse"} == readers


def test_the_schedule_and_the_sensors_are_on_by_default(definitions: dg.Definitions) -> None:
    schedule = definitions.resolve_schedule_def("hourly")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    for name in ("inbox", "received", "campaigns_due"):
        assert definitions.resolve_sensor_def(name).default_status is dg.DefaultSensorStatus.RUNNING


def test_both_ways_of_loading_name_one_location() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    assert workspace["load_from"][0]["python_module"]["location_name"] == "millstream"
    assert 'code_location_name = "millstream"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    "command",
    [
        ["dagster", "definitions", "validate", "-w", "workspace.yaml"],
        # It loads the same definitions once more.
        pytest.param(["dg", "check", "defs"], marks=pytest.mark.long),
    ],
    ids=" ".join,
)
def test_the_vendors_own_check_passes(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(tmp_path))
    tool = Path(sys.executable).with_name(command[0])
    done = subprocess.run([str(tool), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_import_goes_against_the_layers() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
