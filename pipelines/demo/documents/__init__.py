"""The demo's own documents: a segment, a campaign, a funnel, as a marketer would save them."""

from __future__ import annotations

from pathlib import Path

SEGMENT = Path(__file__).parent / "engaged_subscribers.yml"
CAMPAIGN = Path(__file__).parent / "autumn_news.yml"
CAMPAIGN_NAME = "autumn-news"
SEGMENT_NAME = "engaged_subscribers"
