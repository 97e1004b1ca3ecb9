"""`make bench`: run every benchmark and print its figures."""

from __future__ import annotations

from benchmarks import (
    collector,
    event_load,
    funnel,
    ledger,
    pages,
    planning,
    segments,
    sending,
    stripe_sync,
    unchanged_publish,
    unchanged_run,
    webhooks,
)

ALL = (
    collector,
    event_load,
    funnel,
    ledger,
    pages,
    planning,
    segments,
    sending,
    stripe_sync,
    unchanged_publish,
    unchanged_run,
    webhooks,
)


def main() -> None:
    """Each benchmark in turn, in a temporary folder of its own."""
    for benchmark in ALL:
        print(f"{benchmark.__name__.removeprefix('benchmarks.')}: {benchmark.measure()}", flush=True)


main()
