"""Pages run in this process, without a browser, over real folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from pipelines.warehouse import Snapshot, SnapshotReader
from tests.dashboards.places import fill

APP = Path(__file__).parents[2] / "dashboards" / "app.py"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def _packages_are_looked_through_once() -> Iterator[None]:
    """Each page that is opened would search all installed packages for components of Streamlit: half a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def filled_folder(built_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(built_folder, tmp_path_factory.mktemp("filled") / "data")


@pytest.fixture(scope="session")
def snapshot(filled_folder: Path) -> Snapshot:
    found = SnapshotReader(filled_folder / "published").current()
    assert found is not None
    return found


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a page over a folder; `address` is what stands behind the question mark."""

    def opened(folder: Path, page: str = "overview", address: dict[str, str] | None = None) -> AppTest:
        monkeypatch.setenv("MILLSTREAM_DATA_DIR", str(folder))
        app = AppTest.from_file(str(APP), default_timeout=30)
        for name, value in (address or {}).items():
            app.query_params[name] = value
        if page != "overview":
            app.switch_page(f"app_pages/{page}.py")
        return app.run()

    st.cache_data.clear()
    st.cache_resource.clear()
    yield opened
    st.cache_data.clear()
    st.cache_resource.clear()
