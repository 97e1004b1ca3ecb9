"""What campaigns do by themselves; never cached, since it changes with the clock."""

from __future__ import annotations

from typing import Any

from dashboards.queries.health import state_engine
from pipelines.operations.campaigns import told_automation
from pipelines.settings import Settings


def automation_of(settings: Settings, name: str) -> dict[str, Any]:
    """What it waits for, what holds it back, where its journeys stand, who approves."""
    return told_automation(settings, state_engine(settings), name, settings.now())
