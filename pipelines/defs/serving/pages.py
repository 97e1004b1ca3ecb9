"""The dashboard's pages as external assets: where the graph ends, and whom a changed mart touches.

They are dbt's exposures (`dbt_project/models/exposures.yml`), told a second time because Dagster does
not read those. Nothing here is run.
"""

import dagster as dg

from pipelines.defs.transform.assets import TRANSLATOR, manifest

_SNAPSHOT = dg.AssetKey(["published", "snapshot"])


def _page(name: str) -> dg.AssetSpec:
    found = manifest()["exposures"][f"exposure.millstream.{name}"]
    read = [TRANSLATOR.get_asset_spec(manifest(), unique_id, None).key for unique_id in found["depends_on"]["nodes"]]
    return dg.AssetSpec(
        ["dashboards", name],
        # A page opens the snapshot only; the marts beside it say which part of it.
        deps=[_SNAPSHOT, *read],
        group_name="serving",
        kinds={"streamlit"},
        description=str(found["description"]).strip(),
        metadata={"url": dg.MetadataValue.url(found["url"])},
    )


pages = [_page(found["name"]) for found in manifest()["exposures"].values()]
