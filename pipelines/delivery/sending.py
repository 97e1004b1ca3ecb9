"""One sender's work on one campaign: steps, each one transaction of the ledger, until nobody is left for now."""

from __future__ import annotations

import os
import secrets
import socket
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import Engine

from pipelines.campaigns import Hold, codes_for, find, frozen, move, settled
from pipelines.delivery.breaker import Breaker
from pipelines.delivery.hands import Answer, Hands
from pipelines.delivery.ledger import Claimed, Landed, Ledger, minute_before
from pipelines.delivery.limits import Gate
from pipelines.delivery.making import Making
from pipelines.delivery.pace import Pace
from pipelines.delivery.patience import Patience
from pipelines.delivery.signals import Stop
from pipelines.delivery.watch import Watch
from pipelines.errors import MillstreamError
from pipelines.faults import fault_point
from pipelines.mail import Mail, Mailer, Outbox
from pipelines.settings import Settings
from pipelines.state import reading, writing

CONNECTIONS = 16
"""So many mails are in flight at most, and so in doubt after a crash."""
BATCH = 64
"""Recipients claimed at once."""
LISTED = 10_000
"""Keys of due recipients looked up at once: what a sender holds in memory of a campaign of any size."""
SEVERAL = CONNECTIONS * 3 // 4
"""Answers that are waited for, as long as they come one after the other, before the ledger is written."""
Note = Callable[[str], None]


@dataclass(frozen=True)
class SendReport:
    """What this call did: mails by what became of them, who waits, and whether a signal ended it early."""

    campaign: str
    state: str
    accepted: int = 0
    rejected: int = 0
    ambiguous: int = 0
    suppressed: int = 0
    capped: int = 0
    late: int = 0
    in_doubt_from_before: int = 0
    waiting: int = 0
    waiting_until: datetime | None = None
    stopped: bool = False
    held_back: tuple[Hold, ...] = ()
    """The gates that let nobody new be planned."""

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {**asdict(self), "held_back": [hold._asdict() for hold in self.held_back]}


def state_to_send(engine: Engine, name: str) -> str:
    """The campaign's state, where it may be sent or is sent already.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: it is a draft, paused, cancelled or failed.
    """
    with reading(engine) as connection:
        row = find(connection, name)
    if row.state == "draft":
        raise MillstreamError(
            f"campaign {name} is a draft. Nobody was mailed. Approve it first: millstream campaign approve {name}"
        )
    if row.state in ("paused", "cancelled", "failed"):
        why = f" ({row.reason})" if row.reason else ""
        raise MillstreamError(f"campaign {name} is {row.state}{why}. Whoever was not mailed yet is not mailed.")
    return str(row.state)


class Sending:
    """One sender's work on one campaign, with the lock in hand.

    Each step is one transaction, which writes down who landed and marks who leaves next; meanwhile the
    other hands are busy, and so a step serves as many mails as the disk needs time for.
    """

    def __init__(
        self, settings: Settings, engine: Engine, mailer: Mailer, name: str, watch: Watch, stop: Stop, note: Note
    ) -> None:
        self.engine, self.name, self.watch, self.stop = engine, name, watch, stop
        with reading(engine) as connection:
            content = frozen(connection, name)
        self.settings, self.content = settings, content
        owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.making = Making(settings, content)
        self.ledger = Ledger(engine, Gate(settings, content.document), name, owner)
        self.hands = Hands(mailer, CONNECTIONS)
        self.patience = Patience(watch, note)
        self.patience.limit(self.ledger.resting_until())
        limits = content.document.limits
        per_minute = limits.per_minute if limits else None
        left = self.ledger.left_since(minute_before(watch.now())) if per_minute else {}
        self.pace = Pace(per_minute, watch, left)
        self.breaker = Breaker(engine, name, watch)
        # A disk that is full is mended by somebody, an outage of a provider by time.
        self.waits_out = not isinstance(mailer, Outbox)
        self.listed: deque[str] = deque()
        self.ready: deque[tuple[Claimed, Mail]] = deque()
        self.landed: list[Landed] = []
        self.all_listed = self.looked_idle = False
        self.done: Counter[str] = Counter()
        self.trouble: BaseException | None = None
        self.pause: str | None = None

    def run(self, in_doubt: int) -> SendReport:
        """Send; `in_doubt` mails were found in the air of a dead sender.

        Raises:
            MillstreamError: the campaign is paused or over, or the outbox can not be written.
        """
        try:
            while not self.stop() and self.trouble is None and self.pause is None and self._step():
                pass
        finally:
            self._end()
        if self.pause is not None:
            self._pause(self.pause)
        if self.trouble is not None:
            raise self.trouble
        state = self._finish()
        waiting, until = self.ledger.waiting()
        away = self.ledger.turned_away
        return SendReport(
            self.name,
            state,
            accepted=self.done["accepted"],
            rejected=self.done["rejected"],
            ambiguous=self.done["ambiguous"],
            suppressed=away["suppressed"],
            capped=away["capped"],
            late=away["cancelled"],
            in_doubt_from_before=in_doubt,
            waiting=waiting,
            waiting_until=until,
            stopped=self.stop() and state == "sending",
        )

    def _step(self) -> bool:
        """Let land and leave once; False where there is nothing left to do now, or nobody may be mailed any more."""
        self.pause = self.breaker.trouble(self.done["accepted"])
        if self.pause is not None:
            return False
        free = CONNECTIONS - self.hands.flying
        room = self.pace.room(min(free, self.patience.room(CONNECTIONS) - self.hands.flying))
        if room > 0 and not self._prepare(room):
            return False
        leaving = [self.ready.popleft() for _ in range(min(max(room, 0), len(self.ready)))]
        is_idle = not leaving and not self.landed and not self.hands.flying
        if is_idle:
            return self._rest() if room <= 0 else self._look_again()
        if (leaving or self.landed) and not self._write(leaving):
            return False
        if self.hands.flying:
            self._hear(self.hands.answers(self._soon(), SEVERAL))
        return True

    def _look_again(self) -> bool:
        """Nobody is due: believed when it was asked while nobody was in the air."""
        if self.looked_idle:
            return False
        self.all_listed = False
        return True

    def _prepare(self, wanted: int) -> bool:
        """Have so many finished mails at hand, or all that are due; False where nobody is to be mailed any more."""
        while len(self.ready) < wanted:
            if not self.listed and not self.all_listed:
                self.listed.extend(self.ledger.due(self.watch.now(), LISTED))
            if not self.listed:
                self.all_listed, self.looked_idle = True, not self.hands.flying and not self.landed
                return True
            keys = [self.listed.popleft() for _ in range(min(BATCH, len(self.listed)))]
            now = self.watch.now()
            claimed = self.ledger.claim(keys, now)
            if claimed is None:
                return False
            fault_point("sender.after_claim")
            codes = codes_for(self.engine, self.settings, self.content, [row.key for row in claimed], now)
            for row in claimed:
                made = self.making.mail(row, now, codes.get(row.key, {}))
                if isinstance(made, Mail):
                    self.ready.append((row, made))
                else:
                    self.landed.append(Landed(row, made, was="claimed"))
                    self.done["rejected"] += 1
        return True

    def _write(self, leaving: list[tuple[Claimed, Mail]]) -> bool:
        """One transaction: who landed, who leaves. False where nobody is to be mailed any more."""
        landed, self.landed = self.landed, []
        now = self.watch.now()
        may_leave = self.ledger.step(landed, [row for row, _ in leaving], now)
        if any(one.result.outcome == "accepted" for one in landed):
            fault_point("sender.after_accepted")
        if may_leave is None:
            return False
        if may_leave:
            fault_point("sender.after_in_flight")
        self.pace.left(len(may_leave))
        self.hands.give((row, replace(mail, at=now)) for row, mail in leaving if row.key in may_leave)
        return True

    def _soon(self) -> float | None:
        """How long to wait for an answer when something else could go on meanwhile."""
        could_leave = self.hands.flying < self.patience.room(CONNECTIONS) and (self.ready or not self.all_listed)
        return self.pace.seconds() if could_leave else None

    def _hear(self, answers: list[Answer]) -> None:
        for row, result, problem in answers:
            result = self.patience.heard(result) if self.waits_out else result
            self.landed.append(Landed(row, result))
            self.done[result.outcome] += 1
            if problem is not None:
                self.trouble = problem
            elif result.outcome == "refused":
                self.pause = f"the mailer refuses this account: {result.reason}"
            elif result.outcome == "not_sent" and not self.waits_out:
                self.trouble = MillstreamError(
                    f"the mailer can not take mails ({result.reason}). {self.done['accepted']:,} went out, "
                    "the rest waits, and nobody will be mailed twice. Mend it and send again."
                )

    def _rest(self) -> bool:
        """Wait until somebody may leave again; False where a signal or the campaign's state ended it."""
        if not self.patience.resting:
            return self.watch.rest(self.pace.seconds() or 0.0, self._is_over)
        if not self.watch.rest(self.patience.seconds(), self._is_over):
            return False
        if (moment := self.patience.over()) is not None:
            self.ledger.wake(moment)
        self.all_listed = False
        return True

    def _is_over(self) -> bool:
        if self.stop():
            return True
        with reading(self.engine) as connection:
            return not self.ledger.is_sending(connection)

    def _end(self) -> None:
        """Let those in the air land, write them down, and put back who was claimed for nothing."""
        while self.hands.flying:
            self._hear(self.hands.answers(None, CONNECTIONS))
        self.hands.close()
        if self.landed:
            self._write([])
        self.ledger.release()

    def _pause(self, why: str) -> None:
        with writing(self.engine) as connection:
            if find(connection, self.name).state == "sending":
                move(connection, self.name, "paused", now=self.watch.now(), actor="sender", reason=why)

    def _finish(self) -> str:
        """Close the campaign if everybody has an end state; the state it is in now."""
        with writing(self.engine) as connection:
            if settled(connection, self.name, self.watch.now()) != "sending":
                fault_point("sender.before_sent")
        return state_to_send(self.engine, self.name)
