"""The server around the pages: compressed answers, and a warm process before the first visitor."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

_APP = Path(__file__).parent / "app.py"
_SLOW = (
    "pandas",
    "pyarrow",
    "dashboards.queries.campaigns",
    "dashboards.queries.funnels",
    "dashboards.queries.kpis",
)


def _warm_up() -> None:
    """Import what the first page would wait for, and open the newest snapshot's engine once."""
    try:
        for module in _SLOW:
            importlib.import_module(module)
        from pipelines.settings import load_settings
        from pipelines.warehouse import SnapshotReader

        if (snapshot := SnapshotReader(load_settings().published_dir).current()) is not None:
            snapshot.query("select 1")
    except Exception:
        # The first page tells the same problem in words.
        logging.getLogger("dashboards").warning("warm-up failed", exc_info=True)


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
    await asyncio.to_thread(_warm_up)
    yield {}


# Streamlit itself leaves its own scripts and the page uncompressed: 6.6 MB instead of 2.2 MB.
app = st.App(_APP, lifespan=_lifespan, middleware=[Middleware(GZipMiddleware, minimum_size=500, compresslevel=6)])
