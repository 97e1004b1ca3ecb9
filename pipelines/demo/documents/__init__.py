"""The demo's own documents: segments and a campaign, as a marketer would save them."""

from __future__ import annotations

from pathlib import Path

SEGMENT = Path(__file__).parent / "engaged_subscribers.yml"
PAST_SEGMENT = Path(__file__).parent / "without_a_plan.yml"
"""Whom the campaigns of the story's past were sent to."""
CAMPAIGN = Path(__file__).parent / "autumn_news.yml"
CAMPAIGN_NAME = "autumn-news"
SEGMENT_NAME = "engaged_subscribers"
