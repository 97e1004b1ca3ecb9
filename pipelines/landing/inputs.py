"""The loop around every load from the landing zone: what is new, oldest first, each input on its own.

Nothing is remembered outside the loader's transaction: what the manifest lists and the loader's own
list of loads does not is loaded next time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from pipelines.landing.lines import UnreadableSegmentError
from pipelines.landing.manifest import Segment, Source
from pipelines.landing.store import Landing
from pipelines.landing.summary import LoadSummary

LoadInput = Callable[[list[Segment], dict[Path, str]], LoadSummary]
"""Loads one input in one transaction, given its segments and why some of them can not be read."""


def load_new_inputs(landing: Landing, source: Source, *, known: Collection[str], load: LoadInput) -> LoadSummary:
    """Load every landed input of `source` whose id is not `known`, and count what was done.

    What a gateway received up to now is sealed first, so it is loaded too. A segment whose own bytes
    can not be read keeps nothing else from being loaded: its input is loaded once more, with the
    reason in that segment's place.
    """
    landing.seal_received()
    inputs: dict[str, list[Segment]] = {}
    for segment in landing.segments(source):
        if segment.input_id not in known:
            inputs.setdefault(segment.input_id, []).append(segment)
    summary = LoadSummary()
    for segments in inputs.values():
        unreadable: dict[Path, str] = {}
        while True:
            try:
                loaded = load(segments, unreadable)
                break
            except UnreadableSegmentError as found:
                unreadable[found.path] = found.reason
        summary.add(loaded)
    return summary
