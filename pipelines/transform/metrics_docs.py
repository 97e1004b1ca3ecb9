"""`docs/metrics.md`, written from what the dbt project says of its marts.

`python -m pipelines.transform.metrics_docs` writes it anew; a test holds the file in the repository to
that. Words about a figure are changed in the yml of its mart (`meta.metrics`), words about a column in
its description, what holds for all in `models/marts/figures.md`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines.transform.manifest import prepare_manifest
from pipelines.transform.project import PROJECT_DIR

PAGE = PROJECT_DIR.parent / "docs" / "metrics.md"
_ROOMS = {
    "revenue": "Revenue",
    "customers": "People",
    "behaviour": "Behaviour",
    "engagement": "Mail",
    "seeds": "Reference tables",
}
Node = dict[str, Any]  # dbt's own document


def metrics_page(manifest: dict[str, Any]) -> str:
    """The whole page."""
    marts = _marts(manifest)
    parts = [
        "<!-- Written by `make docs` from the dbt project; change the yml of the mart, not this page. -->",
        "# What the figures mean",
        str(manifest["docs"]["doc.millstream.figures"]["block_contents"]).strip(),
        "Rules and reports of revenue stand in [revenue.md](revenue.md).",
        "## Figures",
        _table(("figure", "how it is computed", "source", "table"), _figures(marts)),
    ]
    grains = _grains(manifest)
    for room, title in _ROOMS.items():
        parts.append(f"## {title}")
        for node in marts:
            if _room(node) == room:
                parts += _mart(node, grains[node["unique_id"]])
    return "\n\n".join(parts) + "\n"


def _marts(manifest: dict[str, Any]) -> list[Node]:
    found = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    return sorted((node for node in found if node["schema"] == "marts"), key=_place)


def _place(node: Node) -> tuple[int, str]:
    return list(_ROOMS).index(_room(node)), str(node["name"])


def _room(node: Node) -> str:
    return "seeds" if node["resource_type"] == "seed" else str(node["fqn"][2])


def _grains(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """The columns that no two rows of a table share, by the table's id."""
    tests = (node for node in manifest["nodes"].values() if node["resource_type"] == "test")
    return {
        str(test["attached_node"]): list(test["test_metadata"]["kwargs"]["columns"])
        for test in tests
        if (test.get("test_metadata") or {}).get("name") == "unique_grain"
    }


def _figures(marts: list[Node]) -> Iterable[tuple[str, ...]]:
    for node in marts:
        for metric in node["config"]["meta"].get("metrics", ()):
            yield metric["name"], metric["formula"], metric["source"], f"[`{node['name']}`](#{node['name']})"


def _mart(node: Node, grain: list[str]) -> list[str]:
    types = node["config"].get("column_types", {})  # A seed has its types there.
    columns = (
        (f"`{name}`", str(column["data_type"] or types[name]), str(column["description"]))
        for name, column in node["columns"].items()
    )
    return [
        f"### {node['name']}",
        f"{_line(node['description'])} Grain: {', '.join(f'`{name}`' for name in grain)}.",
        _table(("column", "type", "meaning"), columns),
    ]


def _table(headers: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headers, tuple("---" for _ in headers), *rows]
    return "\n".join(f"| {' | '.join(_line(cell) for cell in line)} |" for line in lines)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(page: Path = PAGE) -> None:
    """Write the page."""
    page.write_text(metrics_page(json.loads(prepare_manifest().read_text())), encoding="utf-8")


if __name__ == "__main__":
    main()
