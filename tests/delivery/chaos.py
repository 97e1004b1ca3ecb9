"""`make chaos`: ten thousand senders are killed while the provider misbehaves, and the sums are told in plain words.

`python -m tests.delivery.chaos [KILLS]`: so many die on SQLite, and a sixth as many on PostgreSQL where it is
installed. Every few hundred a fresh campaign begins; its certificate and the provider's record are compared at its
end (ordeal.py), and whatever does not add up ends everything with what was found.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from pipelines.settings import Settings
from tests.delivery.ordeal import NAME, suffer
from tests.delivery.ready import certificate, counts
from tests.postgres import binaries, cluster, fresh_database

KILLS = 10_000
ROUND = 200
"""Kills of one campaign: a ledger that grew with all of them would be what most of the time is spent on."""
_MEMORY = Path("/dev/shm")


def main(kills: int = KILLS) -> None:
    """Kill, and tell."""
    with ExitStack() as ends:
        programs = binaries()
        server = ends.enter_context(cluster(programs)) if programs is not None else None
        sums: Counter[str] = Counter()
        begin = time.monotonic()
        for store, wanted in (("SQLite", kills), ("PostgreSQL", kills // 6 if server is not None else 0)):
            here: Counter[str] = Counter()
            while here["kills"] < wanted:
                found = _round(server if store == "PostgreSQL" else None, min(ROUND, wanted - here["kills"]), here)
                here += found
                sums += found
                print(f"{store}: {_told(here)}; {time.monotonic() - begin:,.0f} s", flush=True)
        if server is None:
            print("PostgreSQL is not installed; nobody was killed on it.")
        print(f"All in all: {_told(sums)}. Nobody was mailed twice and nobody was forgotten.")


def _round(server: str | None, kills: int, before: Counter[str]) -> Counter[str]:
    """One campaign whose senders die; what the ledger and the provider say at its end."""
    folder = Path(tempfile.mkdtemp(prefix="millstream-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
    try:
        settings = Settings(
            MILLSTREAM_DATA_DIR=folder,
            MILLSTREAM_STATE_URL=None if server is None else fresh_database(server),
            MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely",
        )
        ordeal = suffer(settings, kills, seed=before["kills"] + (server is not None), limited=0.01)
        states = counts(ordeal.engine, NAME)
        missing = int(certificate(ordeal.engine, None, NAME).rpartition("missing ")[2].partition(",")[0])
        ordeal.engine.dispose()
        found = {"kills": ordeal.killed.total(), "audience": sum(states.values()), "missing": missing}
        return Counter({**states, **found, "duplicates": ordeal.account.duplicates()})
    finally:
        shutil.rmtree(folder)


def _told(sums: Counter[str]) -> str:
    return (
        f"{sums['kills']:,} senders killed; of {sums['audience']:,} mails {sums['accepted']:,} accepted, "
        f"{sums['ambiguous']:,} ambiguous, {sums['rejected']:,} rejected; duplicates {sums['duplicates']:,}, "
        f"missing {sums['missing']:,}"
    )


if __name__ == "__main__":
    Settings.model_config["env_file"] = None
    main(*(int(argument) for argument in sys.argv[1:]))
