"""The dbt models and their tests as assets and checks, in one graph with what they read."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from pipelines.operations import transform_models
from pipelines.operations.build import model_results, refuse_failures
from pipelines.resources import told_to_dagster
from pipelines.settings import Settings
from pipelines.transform import prepare_manifest

Manifest = Mapping[str, Any]  # dbt's own document


@cache
def manifest() -> Manifest:
    """dbt's manifest, parsed again only when a file of the project changed."""
    found: Manifest = json.loads(prepare_manifest().read_bytes())
    return found


class Translator(DagsterDbtTranslator):
    """Asset keys equal table names: `<schema>/<model>`; groups are dbt's layers."""

    def get_asset_spec(self, manifest: Manifest, unique_id: str, project: Any) -> dg.AssetSpec:
        """The default spec with our key and group (sources keep the key their yml names)."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if unique_id.startswith("source."):
            return spec
        node = manifest["nodes"][unique_id]
        key = [node["schema"], node["name"]] if node["resource_type"] != "seed" else ["seeds", node["name"]]
        return spec.replace_attributes(
            key=dg.AssetKey(key), group_name=node["fqn"][1] if len(node["fqn"]) > 2 else "seeds"
        )


TRANSLATOR = Translator()


def mart_keys() -> list[dg.AssetKey]:
    """Every mart: what a snapshot is made of."""
    return [
        TRANSLATOR.get_asset_spec(manifest(), unique_id, None).key
        for unique_id, node in manifest()["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    ]


@dbt_assets(manifest=manifest(), dagster_dbt_translator=TRANSLATOR, name="models", pool="warehouse")
def models(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Built and tested by one dbt child; a failed test stops what lies below it."""
    with told_to_dagster():
        result = transform_models(settings, now=settings.now())
        for node in result.nodes:
            if node.kind in ("model", "seed") and node.status == "success":
                key = TRANSLATOR.get_asset_spec(manifest(), node.unique_id, None).key
                yield dg.MaterializeResult(asset_key=key, metadata={"seconds": node.seconds})
            elif node.kind == "test":
                check = get_asset_check_key_for_test(manifest(), TRANSLATOR, node.unique_id, None)
                if check is not None:
                    yield dg.AssetCheckResult(
                        passed=node.status in ("pass", "success"),
                        asset_key=check.asset_key,
                        check_name=check.name,
                        metadata={"failing_rows": node.failures},
                    )
        refuse_failures(model_results(result), settings)
