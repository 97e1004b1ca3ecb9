"""The structure of the dbt project: layers, contracts, words, tags. Read from dbt's own manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.transform import prepare_manifest, project
from pipelines.transform.metrics_docs import PAGE, metrics_page

MAY_READ = {
    "staging": {"source"},
    "intermediate": {"staging", "intermediate", "seed"},
    "marts": {"staging", "intermediate", "marts", "seed"},
}
Node = dict[str, Any]


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(prepare_manifest().read_text())
    return document


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> dict[str, Node]:
    """Our models by unique id."""
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}


def layer(unique_id: str, models: dict[str, Node]) -> str:
    return str(models[unique_id]["schema"]) if unique_id in models else unique_id.split(".", 1)[0]


def test_two_copies_of_the_project_share_no_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A parse names the seeds by their full path: with the first copy gone, the second would read nothing.
    digests = set()
    for name in ("first", "second"):
        monkeypatch.setattr(project, "PROJECT_DIR", shutil.copytree(project.PROJECT_DIR, tmp_path / name))
        digests.add(project.project_digest())
    assert len(digests) == 2


def test_each_layer_reads_only_what_it_may(models: dict[str, Node]) -> None:
    wrong = [
        (node["name"], parent)
        for key, node in models.items()
        for parent in node["depends_on"]["nodes"]
        if layer(parent, models) not in MAY_READ[layer(key, models)]
    ]
    assert wrong == []


def test_no_model_of_the_ledger_is_longer_than_a_screen(models: dict[str, Node]) -> None:
    by_name = {node["name"]: key for key, node in models.items()}
    ledger, found = [by_name[name] for name in ("fct_mrr_daily", "fct_mrr_differences")], set[str]()
    while ledger:
        key = ledger.pop()
        if key not in found and key in models and models[key]["schema"] != "staging":
            found.add(key)
            ledger += models[key]["depends_on"]["nodes"]
    assert len(found) > 30
    assert {models[key]["name"] for key in found if len(models[key]["raw_code"].splitlines()) > 80} == set()


def test_a_staging_model_reads_one_source_table(models: dict[str, Node]) -> None:
    assert {
        node["name"]
        for node in models.values()
        if node["schema"] == "staging" and len(set(node["depends_on"]["nodes"])) != 1
    } == set()


def test_every_mart_has_a_contract_a_grain_and_a_word_on_each_column(
    manifest: dict[str, Any], models: dict[str, Node]
) -> None:
    guarded = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("test_metadata", {}).get("name") == "unique_grain"
    }
    marts = {key: node for key, node in models.items() if node["schema"] == "marts"}
    assert {node["name"] for node in marts.values() if not node["config"]["contract"]["enforced"]} == set()
    assert {
        node["name"] for node in marts.values() for column in node["columns"].values() if not column["description"]
    } == set()
    assert {node["name"] for node in models.values() if not node["description"]} == set()
    assert {node["name"] for key, node in marts.items() if key not in guarded} == set()


def test_a_mart_has_one_grain_and_no_two_share_a_test(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    grains = [
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "unique_grain"
    ]
    assert [key for key in grains if models.get(key, {}).get("schema") == "marts" and grains.count(key) > 1] == []


def test_an_aggregate_is_read_by_a_page_or_by_another_model(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    readers = [*models.values(), *manifest["exposures"].values()]
    read = {parent for node in readers for parent in node["depends_on"]["nodes"]}
    assert {
        node["name"] for key, node in models.items() if node["name"].startswith("agg_") and key not in read
    } == set()


def test_a_figure_is_defined_with_formula_and_source_and_only_once(models: dict[str, Node]) -> None:
    figures = [figure for node in models.values() for figure in node["config"]["meta"].get("metrics", ())]
    assert {tuple(sorted(figure)) for figure in figures} == {("formula", "name", "source")}
    names = [figure["name"] for figure in figures]
    assert sorted(names) == sorted(set(names))
    told = " ".join(names)
    for asked in ("MRR", "ARR", "movements", "churn_rate", "net", "sessions", "paying customers", "reconciliation"):
        assert asked in told


def test_the_page_of_figures_is_what_the_project_says(manifest: dict[str, Any]) -> None:
    assert PAGE.read_text(encoding="utf-8") == metrics_page(manifest), "run `make docs`"


def test_tags_say_which_source_a_model_needs(models: dict[str, Node]) -> None:
    def sources(unique_id: str) -> set[str]:
        if unique_id not in models:
            return {unique_id.split(".")[2]} if unique_id.startswith("source.") else set()
        return set().union(*(sources(parent) for parent in models[unique_id]["depends_on"]["nodes"]))

    for key, node in models.items():
        needed = sources(key)
        if node["schema"] == "marts":
            assert node["tags"] == (["events"] if needed == {"raw_events"} else ["stripe"]), node["name"]
        elif node["schema"] == "staging":
            assert node["tags"] == [needed.pop().removeprefix("raw_")], node["name"]


def test_sources_carry_the_key_of_the_asset_that_loads_them(manifest: dict[str, Any]) -> None:
    for source in manifest["sources"].values():
        key = source["config"]["meta"]["dagster"]["asset_key"]
        assert key == [source["source_name"], source["name"]]


def test_engine_specific_functions_stand_in_macros_only(models: dict[str, Node]) -> None:
    words = (
        "json_extract",
        "->>",
        "unnest(",
        "generate_series",
        "arg_max",
        "arg_min",
        "exclude (",
        " list(",
        "epoch_ms",
    )
    found = {(node["name"], word) for node in models.values() for word in words if word in node["raw_code"].lower()}
    assert found == set()
