"""Whatever a provider answers, whoever dies or pauses, and in whatever order: the audience adds up."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipelines.campaigns import find, move, resume
from pipelines.delivery import report, send, settle_doubts
from pipelines.delivery.sending import CONNECTIONS
from pipelines.errors import MillstreamError
from pipelines.mail import Handover, Mail
from pipelines.privacy import address_key, suppress
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing
from tests import warm
from tests.delivery.clockwork import Scripted, Time
from tests.delivery.conftest import MEMORY
from tests.delivery.ready import address, make_ready, rows_of
from tests.segments.people import NOW

PEOPLE = 24
ANSWERS = {
    "takes it": None,
    "takes it and breaks off": Handover("ambiguous", reason="ReadTimeout"),
    "breaks off": Handover("ambiguous", reason="RemoteProtocolError"),
    "is unavailable": Handover("ambiguous", reason="503", status=503),
    "refuses the mail": Handover("rejected", reason="400", status=400),
    "is not there": Handover("not_sent", reason="ConnectError"),
    "asks to wait": Handover("later", reason="429", status=429, retry_at=NOW + timedelta(minutes=1)),
    "refuses the account": Handover("refused", reason="401", status=401),
}
WORLD = ("somebody pauses", "somebody complains", "the sender dies", "it dies with the mail gone")
STEPS = st.lists(st.sampled_from([*ANSWERS, "takes it", "takes it", *WORLD]), max_size=40)


@contextmanager
def data_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="millstream-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Witness(Scripted):
    """Writes down each mail that it took in a file before it answers, and lets happen what the steps say."""

    def __init__(self, settings: Settings, steps: list[str], done: Path, time: Time) -> None:
        super().__init__(self.answer)
        self.settings, self.steps, self.done, self.time = settings, steps, done, time

    def answer(self, mail: Mail, _number: int) -> Handover | None:
        with self._lock:
            place = self.done.stat().st_size
            step = self.steps[place] if place < len(self.steps) else "takes it"
            with self.done.open("ab") as file:
                file.write(b".")
            if step == "the sender dies":
                os._exit(137)
            if ANSWERS.get(step) is None or step == "takes it and breaks off":
                with (self.done.parent / "taken").open("a") as file:
                    file.write(f"{mail.key}\n")
            if step == "it dies with the mail gone":
                os._exit(137)
        if step in ("somebody pauses", "somebody complains"):
            self.happen(step)
        return ANSWERS.get(step)

    def happen(self, step: str) -> None:
        with writing(open_state(self.settings)) as connection:
            if step == "somebody complains":
                suppress(connection, address_key(address(PEOPLE - 1)), reason="complaint", source="test", now=NOW)
            elif find(connection, "win-back").state == "sending":
                move(connection, "win-back", "paused", now=NOW, actor="ann", reason="a look")


def _send(settings: Settings, steps: list[str], done: Path) -> None:
    time = Time()
    with contextlib.suppress(MillstreamError):
        send(settings, "win-back", mailer=Witness(settings, steps, done, time), watch=time.watch())


def run(steps: list[str]) -> Counter[str]:
    with data_folder() as folder:
        settings = Settings(MILLSTREAM_DATA_DIR=folder / "data", MILLSTREAM_POSTAL_ADDRESS="Mill Lane 1, Ely")
        engine = open_state(settings)
        make_ready(settings, engine, range(PEOPLE))
        done, taken = folder / "done", folder / "taken"
        done.touch()
        taken.touch()
        deaths = 0
        for _ in range(len(steps) + 2):
            process = warm.FORKS.Process(target=_send, args=(settings, steps, done))
            process.start()
            process.join(120)
            assert process.exitcode in (0, 137)
            deaths += process.exitcode == 137
            with writing(engine) as connection:
                if find(connection, "win-back").state == "paused":
                    resume(connection, "win-back", now=NOW, actor="ann")
            with reading(engine) as connection:
                if find(connection, "win-back").state == "sent":
                    break
        found = report(engine, "win-back")
        rows = rows_of(engine)
        engine.dispose()
        mailed = Counter(taken.read_text().split())
        of = {state: {row.dedupe_key for row in rows if row.state == state} for state in found["states"]}
        assert found["state"] == "sent"
        assert found["audience"] == PEOPLE == found["accepted"] + found["ambiguous"] + found["excluded"]
        assert (found["open"], found["missing"], found["duplicates"]) == (0, 0, 0)
        assert set(mailed.values()) <= {1}
        assert of["accepted"] <= mailed.keys() <= of["accepted"] | of["ambiguous"]
        unclear = sum(step in ("takes it and breaks off", "breaks off", "is unavailable") for step in steps)
        assert found["ambiguous"] <= unclear + deaths * CONNECTIONS
        with open_again(settings) as again:
            settle_doubts(again, NOW + timedelta(days=2))
            assert report(again, "win-back")["ambiguous"] == 0
            assert report(again, "win-back")["audience"] == PEOPLE
        return Counter({state: len(keys) for state, keys in of.items() if keys})


@contextmanager
def open_again(settings: Settings):
    engine = open_state(settings)
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.mark.xdist_group("processes")
@examples(max_examples=4)
@example(["the sender dies"] * 3)
@example(["it dies with the mail gone", "somebody pauses", "is not there", "it dies with the mail gone"])
@example([*ANSWERS, *WORLD])
@given(STEPS)
def test_whatever_happens_everybody_is_mailed_at_most_once_and_nobody_forgotten(steps: list[str]) -> None:
    run(steps)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("processes")
@examples(max_examples=60)
@given(STEPS)
def test_whatever_happens_at_length(steps: list[str]) -> None:
    run(steps)


def test_two_senders_started_at_once_share_nobody(settings, engine, start):
    make_ready(settings, engine, range(300))
    both = [start(), start()]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    counts = sorted(int(out.split()[0]) for out, _ in told)
    mails = [path.stem.rpartition("-")[0] for path in settings.outbox_dir.rglob("*.eml")]
    assert (sum(counts), len(mails), len(set(mails))) == (300, 300, 300)
    assert counts[0] == 0 or "waiting" in told[0][1] + told[1][1]
