"""What the gateway counts, in Prometheus' text format; counted since the process began."""

from __future__ import annotations

import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pipelines.gateway.refusals import REFUSALS
from pipelines.landing.journal import Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_TELL_EVERY = 60.0
"""Seconds between two lines in the log about the same reason: a flood of forgeries must not fill the disk."""

_log = logging.getLogger("millstream.gateway")


class Counts:
    """Deliveries by source and outcome, refusals by source and reason."""

    def __init__(self, sources: tuple[str, ...], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken = Counter({(source, outcome): 0 for source in sources for outcome in ("accepted", "duplicate")})
        self._refused = Counter({(source, reason): 0 for source in sources for reason in REFUSALS})
        self._messages: Counter[str] = Counter()
        self._set_aside: Counter[tuple[str, str]] = Counter()
        self._asked: Counter[tuple[str, int]] = Counter()
        self._told: dict[tuple[str, str], float] = {}

    def took(self, source: str, outcome: str) -> None:
        """Count a delivery that was answered with 2xx."""
        self._taken[source, outcome] += 1

    def messages(self, source: str, accepted: int, set_aside: Iterable[str]) -> None:
        """Count the messages of one body, by the source of events that its key opens."""
        self._messages[source] += accepted
        self._set_aside.update((source, reason) for reason in set_aside)

    def refused(self, source: str, reason: str) -> None:
        """Count a delivery that was not taken, and say so in the log now and then."""
        self._refused[source, reason] += 1
        now = self._clock()
        if now - self._told.get((source, reason), -_TELL_EVERY) >= _TELL_EVERY:
            self._told[source, reason] = now
            total = self._refused[source, reason]
            _log.warning("refused a delivery from %s: %s (%d so far)", source, REFUSALS[reason].words, total)

    def asked(self, command: str, status: int) -> None:
        """Count a question to the API."""
        self._asked[command, status] += 1

    def text(self, figures: Figures, folder: Path) -> str:
        """Everything that is counted, with what the journal did and the space that is left for it."""
        lines = [
            *_metric("deliveries_total", "counter", "Deliveries answered with 2xx: on disk.",
                     _labelled("outcome", self._taken)),
            *_metric("deliveries_refused_total", "counter", "Deliveries that were not taken, by reason.",
                     _labelled("reason", self._refused)),
            *_metric("messages_total", "counter", "Messages of event sources that are on disk, to be loaded.",
                     {f'{{source="{source}"}}': number for source, number in self._messages.items()}),
            *_metric("messages_set_aside_total", "counter", "Messages that are no events, kept with their reason.",
                     _labelled("reason", self._set_aside)),
            *_metric("api_requests_total", "counter", "Questions to the API by command and status.",
                     {f'{{command="{name}",status="{status}"}}': number
                      for (name, status), number in self._asked.items()}),
            *_metric("journal_commits_total", "counter", "Batches brought to disk.", {"": figures.commits}),
            *_metric("journal_commit_seconds_total", "counter", "Time that took.",
                     {"": round(figures.commit_seconds, 6)}),
            *_metric("journal_records_total", "counter", "Records in them.", {"": figures.records}),
            *_metric("journal_bytes_total", "counter", "Bytes in them.", {"": figures.written_bytes}),
            *_metric("journal_failures_total", "counter", "Batches that the disk did not take.",
                     {"": figures.failures}),
            *_metric("journal_waiting_bytes", "gauge", "Bytes that wait for the disk.", {"": figures.waiting_bytes}),
            *_metric("disk_free_bytes", "gauge", "Free space where the landing zone lies.",
                     {"": _free(folder)}),
        ]  # fmt: skip
        return "\n".join(lines) + "\n"


def _labelled(name: str, counts: Mapping[tuple[str, str], int]) -> dict[str, float]:
    return {f'{{source="{source}",{name}="{value}"}}': number for (source, value), number in counts.items()}


def _metric(name: str, kind: str, words: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP millstream_{name} {words}"
    yield f"# TYPE millstream_{name} {kind}"
    for labels, value in values.items():
        yield f"millstream_{name}{labels} {value}"


def _free(folder: Path) -> int:
    """Bytes left on the disk of a folder that may not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
