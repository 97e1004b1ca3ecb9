"""One campaign whose senders are killed over and over while the provider misbehaves: what tests and `make chaos` share.

Half of them end at a named place, half by SIGKILL at a random moment; the provider's own record says who was mailed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import Engine, update

from pipelines.demo.sendgrid_server import MailKnobs, SendGridAccount, serving
from pipelines.faults import POINTS
from pipelines.settings import Settings
from pipelines.state import open_state, writing
from pipelines.state.tables import recipients
from tests.delivery.ready import certificate, counts, make_ready, plan_rows, rows_of
from tests.delivery.warm import Sender, rehearse, warm_parent

NAME = "win-back"
PEOPLE = 150
PLACES = [point for point in POINTS if point.startswith("sender.") and point != "sender.before_sent"]
WEATHER = {
    "202": 16.0,
    "400": 1.0,
    "429": 0.05,
    "500_after_accept": 1.0,
    "drop_before_read": 0.5,
    "drop_after_accept": 1.0,
    "slow": 1.0,
}
IN_THE_AIR = 16
COMMAND = "from pipelines.cli import main; main()"


@dataclass
class Ordeal:
    """One campaign whose senders die; there is always another occurrence to send."""

    settings: Settings
    engine: Engine
    account: SendGridAccount
    random: Random
    parent: subprocess.Popen[bytes]
    occurrences: int = 0
    killed: Counter[str] = field(default_factory=Counter)

    def prepare(self) -> None:
        """Plan a campaign with one person who waits for a later year, so that it is not over meanwhile."""
        now = datetime.now(UTC)
        later = {PEOPLE: {"not_before": now + timedelta(days=365)}}
        make_ready(self.settings, self.engine, range(PEOPLE + 1), NAME, at=now, rows=later)
        make_ready(self.settings, self.engine, range(1), "rehearsal", at=now)
        rehearse(self.parent, self.settings, "rehearsal")

    def work_left(self) -> None:
        """Plan another occurrence where few are left."""
        found = counts(self.engine, NAME)
        if found.get("planned", 0) + found.get("retry_wait", 0) < 50:
            self.occurrences += 1
            plan_rows(self.engine, NAME, range(PEOPLE), f"o{self.occurrences}", at=datetime.now(UTC))

    def kill_one(self) -> None:
        """One sender that dies, unless it was done before."""
        self.work_left()
        if self.random.random() < 0.5:
            self._die_at(self.random.choice(PLACES), self.random.randint(1, 3))
        else:
            self._die_after(self.random.randint(1, 20))

    def _die_at(self, place: str, passage: int) -> None:
        sender = self._begin(f"{place}:{passage}")
        code = sender.wait(120)
        assert code in (0, 137), f"{place}:{passage} ended with {code}"
        self.killed[place] += code == 137

    def _die_after(self, mails: int) -> None:
        sender = self._begin()
        enough = self.answered() + mails
        while sender.wait(0.002) is None and self.answered() < enough:
            pass
        time.sleep(self.random.random() / 100)
        code = sender.kill()
        assert code in (0, -9)
        self.killed["SIGKILL"] += code == -9

    def _begin(self, fault: str = "") -> Sender:
        return Sender(self.parent, self.settings, NAME, fault)

    def kill_a_command(self) -> None:
        """The real command, killed among its mails."""
        self.work_left()
        environment = {**os.environ, **self.settings.environment()}
        enough = self.answered() + self.random.randint(1, 40)
        command = [sys.executable, "-c", COMMAND, "campaign", "send", NAME]
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            while process.poll() is None and self.answered() < enough:
                time.sleep(0.002)
            process.kill()
            told = process.stderr.read() if process.stderr else b""
        assert process.returncode in (0, -9), told
        self.killed["command"] += process.returncode == -9

    def answered(self) -> int:
        return self.account.answered.total()

    def finish(self) -> None:
        """Let everybody be sent to by a sender that lives."""
        with writing(self.engine) as connection:
            later = update(recipients).where(recipients.c.person_id == f"p{PEOPLE:04d}")
            connection.execute(later.values(not_before=None))
        assert self._begin().wait(240) == 0

    def check(self) -> None:
        """accepted + ambiguous + excluded = audience; duplicates at the provider 0, missing 0."""
        rows = rows_of(self.engine, NAME)
        keys: dict[str, set[str]] = {}
        for row in rows:
            keys.setdefault(row.state, set()).add(row.dedupe_key)
        audience = PEOPLE + 1 + self.occurrences * PEOPLE
        assert len(rows) == audience
        assert set(keys) <= {"accepted", "ambiguous", "rejected"}
        taken, accepted, ambiguous = self.account.accepted, keys["accepted"], keys.get("ambiguous", set())
        assert self.account.duplicates() == 0
        assert taken.keys() >= accepted
        assert taken.keys() <= accepted | ambiguous
        assert {row.reason for row in rows if row.state == "rejected"} <= {"SendGrid answered 400: Bad Request"}
        unclear = sum(self.account.answered[mode] for mode in WEATHER if "drop" in mode or "500" in mode)
        assert len(ambiguous) <= unclear + IN_THE_AIR * self.killed.total()
        told = certificate(self.engine, None, NAME)
        assert told.startswith(f"audience {audience:,} = accepted {len(accepted):,} + ambiguous {len(ambiguous):,}")
        assert told.endswith(f"; duplicates 0, missing 0, ambiguous {len(ambiguous):,}")


def suffer(
    settings: Settings, kills: int, *, commands: int = 0, seed: int, slow: float = 0.02, limited: float = 0.05
) -> Ordeal:
    """So many dead senders, and one that lives."""
    knobs = MailKnobs(weights={**WEATHER, "429": limited}, seed=seed, slow_seconds=slow)
    account = SendGridAccount(knobs, keep=1)
    with serving(account) as url, warm_parent() as parent:
        over_the_wire = Settings(
            MILLSTREAM_DATA_DIR=settings.data_dir,
            MILLSTREAM_STATE_URL=settings.state_url,
            MILLSTREAM_POSTAL_ADDRESS=settings.postal_address,
            MILLSTREAM_MAILER="sendgrid",
            MILLSTREAM_SEND_MODE="live",
            MILLSTREAM_MAILER_SECONDS=1,
            MILLSTREAM_FROM_EMAIL="news@northwind.example",
            MILLSTREAM_PUBLIC_URL="https://mail.northwind.example",
            SENDGRID_API_KEY="SG.test",
            SENDGRID_API_BASE=url,
        )
        ordeal = Ordeal(over_the_wire, open_state(settings), account, Random(seed), parent)
        ordeal.prepare()
        while ordeal.killed["command"] < commands:
            ordeal.kill_a_command()
        while ordeal.killed.total() < kills + commands:
            ordeal.kill_one()
            assert account.duplicates() == 0, ordeal.killed
        ordeal.finish()
        ordeal.check()
    return ordeal
