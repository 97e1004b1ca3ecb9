"""Read lists in parts, many lists at once, so that a reading that ends half way goes on there.

Stripe lists the newest first. What is left of a list is a span of creation times: each chunk that
was read moves the span's upper end down, inclusive, because objects of one second may lie on both
sides of a page's edge. A span with much left is split, so that idle workers help.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace

from pipelines.stripe.catalogue import Kind
from pipelines.stripe.client import CursorGoneError, Parameters, StripeApi
from pipelines.stripe.fetch import Thing, rest_of_children

PAGES = 100
BYTES = 16 * 1024 * 1024
"""A chunk ends after so many pages or bytes: what a crash repeats of one list, and what is held in memory."""
START = 4
"""The first chunk of a span is shorter: then it is known how dense the span is, and it can be split."""


@dataclass(frozen=True)
class Listed:
    """One list: of which kind, with which parameters; `known` as in the catalogue's `Daily`."""

    kind: Kind
    parameters: dict[str, str] = field(default_factory=dict)
    known: str | None = None


@dataclass(frozen=True)
class Span:
    """What is left of a list: objects made from `low` (None = the beginning) to `high`, both inclusive."""

    name: str
    low: int | None
    high: int
    after: str | None = None
    """The last object that was read; known only while the process lives."""
    tied: frozenset[str] = frozenset()
    """Ids of the second `high` that were read already."""


@dataclass
class Chunk:
    """What was read of a span, complete from its upper end down to `low`, and what is left of it."""

    span: Span
    low: int | None
    rest: Span | None = None
    left: list[Span] = field(default_factory=list)
    """`rest`, perhaps split."""
    bodies: list[bytes] = field(default_factory=list)
    objects: list[Thing] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.bodies))


class Lists:
    """The lists of one call, read by the workers of a pool."""

    def __init__(self, api: StripeApi, pool: Executor, lists: dict[str, Listed], *, workers: int) -> None:
        self._api, self._pool, self._lists, self._workers = api, pool, lists, workers

    def read(self, spans: list[Span], *, floor: int | None = None) -> Iterator[Chunk]:
        """Every chunk as it comes, in no order; what is left before `floor` stays unread."""
        running: set[Future[Chunk]] = set()
        try:
            running = {self._pool.submit(self._chunk, span, floor) for span in spans}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    chunk = future.result()
                    chunk.left = _split(chunk, is_idle=len(running) < self._workers)
                    # The rest is asked for while this is landed.
                    going_on = [rest for rest in chunk.left if floor is None or rest.high >= floor]
                    running |= {self._pool.submit(self._chunk, rest, floor) for rest in going_on}
                    yield chunk
        finally:
            for future in running:
                future.cancel()

    def _chunk(self, span: Span, floor: int | None) -> Chunk:
        listed = self._lists[span.name]
        kind = listed.kind
        bounds = {"lte": span.high} | ({} if span.low is None else {"gte": span.low})
        expand: Parameters = {"expand": [f"data.{path}" for path in kind.expand]} if kind.expand else {}
        asked: Parameters = {**kind.parameters, **listed.parameters, "created": bounds, **expand}
        chunk = Chunk(span, span.low)
        size, most = 0, min(START, PAGES) if span.after is None else PAGES
        try:
            for number, page in enumerate(self._api.pages(kind.path, asked, after=span.after), 1):
                if page.objects:
                    chunk.bodies.append(page.body)
                chunk.objects += page.objects
                for thing in page.objects:
                    chunk.bodies += rest_of_children(self._api, thing)
                if not page.has_more:
                    return chunk
                size += len(page.body)
                left = self._left(chunk, after=str(page.objects[-1]["id"]))
                is_old = floor is not None and left.high < floor
                if number >= most or size >= BYTES or is_old:
                    chunk.low, chunk.rest = left.high + 1, left
                    return chunk
        except CursorGoneError:
            # Begun again from the second that was reached.
            left = self._left(chunk, after=None)
            chunk.low, chunk.rest = left.high + 1, left
            return chunk
        raise AssertionError("a list of no page")

    def _left(self, chunk: Chunk, *, after: str | None) -> Span:
        """What is left below the last object of the chunk."""
        span, field_ = chunk.span, self._lists[chunk.span.name].kind.created
        if not chunk.objects:
            return replace(span, after=after)
        high = chunk.objects[-1].get(field_)
        if not isinstance(high, int):
            high = span.high
        tied = frozenset(str(thing["id"]) for thing in chunk.objects if thing.get(field_) == high)
        return replace(span, high=high, after=after, tied=tied | (span.tied if high == span.high else frozenset()))


def _split(chunk: Chunk, *, is_idle: bool) -> list[Span]:
    """What is left of the chunk's span: in two where a worker has nothing to do."""
    rest = chunk.rest
    if rest is None:
        return []
    # Some four chunks' worth of time, as dense as the last one, stay in one part.
    taken = chunk.span.high - rest.high
    edge = rest.high - 4 * taken
    if is_idle and taken > 0 and edge > (rest.low or 0):
        return [replace(rest, low=edge), Span(rest.name, rest.low, edge - 1)]
    return [rest]
