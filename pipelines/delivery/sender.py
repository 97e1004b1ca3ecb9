"""The sender: waits for its turn, plans once, then hands over mail after mail until nobody is left."""

from __future__ import annotations

import os
import secrets
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from pipelines.campaigns import ONCE, OPEN, RenderError, Templates, carries_link, find, frozen, move, plan
from pipelines.delivery import ledger
from pipelines.delivery.lock import only_sender
from pipelines.delivery.signals import Stop, stop_on_signal
from pipelines.errors import MillstreamError
from pipelines.faults import fault_point
from pipelines.mail import Handover, Mail, Mailer, mailer_for
from pipelines.privacy import secret_key, unsubscribe_token
from pipelines.settings import Settings
from pipelines.state import open_state, reading, writing

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

BATCH = 50
Clock = Callable[[], datetime]
Note = Callable[[str], None]


@dataclass(frozen=True)
class SendReport:
    """What this call did: mails by what became of them, and whether a signal ended it early."""

    campaign: str
    state: str
    accepted: int = 0
    rejected: int = 0
    ambiguous: int = 0
    suppressed: int = 0
    in_doubt_from_before: int = 0
    stopped: bool = False

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return asdict(self)


def _silent(_line: str) -> None:
    """Say nothing."""


def send(settings: Settings, name: str, now: Clock | None = None, *, note: Note = _silent) -> SendReport:
    """Send a campaign until every recipient has an end state. Run again, it goes on or does nothing.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: it is a draft, paused, cancelled or failed; the mailer is not usable; the
            outbox can not be written. Nobody is mailed twice by running it again.
    """
    clock = now or settings.now
    engine = open_state(settings)
    mailer = ready_to_send(settings, name)
    with (
        stop_on_signal() as stop,
        only_sender(settings, engine, stopped=stop, waiting=note) as has_turn,
    ):
        if not has_turn:
            return SendReport(name, "waiting", stopped=True)
        if _state(engine, name) == "sent":
            return SendReport(name, "sent")
        if _state(engine, name) == "approved":
            planned = plan(engine, _newest(settings), settings, name, clock())
            note(f"audience of {planned:,} frozen.")
        in_doubt = ledger.recover(engine, name, clock())
        return _Sending(settings, engine, mailer, name, clock, stop).run(in_doubt)


def ready_to_send(settings: Settings, name: str) -> Mailer:
    """The mailer, if this campaign may be sent now: what every way of sending asks first.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: it is a draft, paused, cancelled or failed, or the mailer is not usable.
    """
    mailer = mailer_for(settings)
    _state(open_state(settings), name)
    return mailer


def _state(engine: Engine, name: str) -> str:
    """The campaign's state, if it is one to send in."""
    with reading(engine) as connection:
        row = find(connection, name)
    if row.state == "draft":
        raise MillstreamError(
            f"campaign {name} is a draft. Nobody was mailed. Run `millstream campaign approve {name}`."
        )
    if row.state in ("paused", "cancelled", "failed"):
        why = f" ({row.reason})" if row.reason else ""
        raise MillstreamError(f"campaign {name} is {row.state}{why}. Whoever was not mailed yet is not mailed.")
    return str(row.state)


def _newest(settings: Settings) -> Snapshot:
    from pipelines.warehouse import SnapshotReader  # Late: going on with a plan needs no snapshot.

    snapshot = SnapshotReader(settings.published_dir).current()
    if snapshot is None:
        raise MillstreamError("nothing is published yet. Nobody was mailed. Run `millstream run` first.")
    return snapshot


class _Sending:
    """One sender's work on one campaign, with the lock in hand."""

    def __init__(self, settings: Settings, engine: Engine, mailer: Mailer, name: str, clock: Clock, stop: Stop) -> None:
        self.settings, self.engine, self.mailer, self.name = settings, engine, mailer, name
        self.clock, self.stop = clock, stop
        self.owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        with reading(engine) as connection:
            self.content = frozen(connection, name)
        self.templates = Templates(self.content)
        self.secret = secret_key(settings)
        self.done: Counter[str] = Counter()

    def run(self, in_doubt: int) -> SendReport:
        try:
            while not self.stop() and (batch := ledger.claim(self.engine, self.name, self.owner, BATCH)):
                fault_point("sender.after_claim")
                for row in batch:
                    if self.stop():
                        break
                    self._one(row)
        finally:
            ledger.release(self.engine, self.name, self.owner)
        state = self._finish()
        counts = {outcome: self.done[outcome] for outcome in ("accepted", "rejected", "ambiguous", "suppressed")}
        stopped = state == "sending"
        return SendReport(self.name, state, in_doubt_from_before=in_doubt, stopped=stopped, **counts)

    def _one(self, row: ledger.Claimed) -> None:
        mail = self._mail(row)
        if isinstance(mail, Handover):
            ledger.settle(self.engine, self.owner, row.key, mail, self.clock(), was="claimed")
            self.done["rejected"] += 1
            return
        if not ledger.take_off(self.engine, self.settings, self.name, self.owner, row, self.clock()):
            self.done["suppressed"] += _state(self.engine, self.name) == "sending"
            return
        fault_point("sender.after_in_flight")
        try:
            result = self.mailer.hand_over(mail)
        except BaseException as problem:
            doubt = Handover("ambiguous", reason=type(problem).__name__)
            ledger.settle(self.engine, self.owner, row.key, doubt, self.clock())
            raise
        fault_point("sender.after_handover")
        ledger.settle(self.engine, self.owner, row.key, result, self.clock())
        fault_point("sender.after_accepted")
        self.done[result.outcome] += 1
        if result.outcome == "not_sent":
            raise MillstreamError(
                f"the mailer can not take mails ({result.reason}). {self.done['accepted']:,} went out, "
                "the rest waits, and nobody will be mailed twice. Mend it and send again."
            )

    def _mail(self, row: ledger.Claimed) -> Mail | Handover:
        """The finished mail, or why this person can not get one."""
        token = unsubscribe_token(self.secret, row.address_key, self.name)
        link = f"{self.settings.public_url.rstrip('/')}/u/{token}"
        postal = self.settings.postal_address
        try:
            made = self.templates.render(
                row.variables, variant=row.variant, unsubscribe_url=link, postal_address=postal
            )
        except RenderError as problem:
            return Handover("rejected", reason=str(problem)[:200])
        if not carries_link(made, link):
            return Handover("rejected", reason="the mail lacks its unsubscribe link")
        sender = self.content.document.from_
        return Mail(
            key=row.key,
            attempt=row.attempt,
            campaign=self.name,
            occurrence=ONCE,
            variant=row.variant,
            to=row.address,
            from_email=sender.email if sender else self.settings.from_email,
            from_name=sender.name if sender else "",
            subject=made.subject,
            html=made.html,
            text=made.text,
            unsubscribe_url=link,
            at=self.clock(),
        )

    def _finish(self) -> str:
        """Close the campaign if everybody has an end state; the state it is in now."""
        with writing(self.engine) as connection:
            left = any(ledger.states(connection, self.name).get(state) for state in OPEN)
            if find(connection, self.name).state == "sending" and not left:
                move(connection, self.name, "sent", now=self.clock(), actor="sender")
                fault_point("sender.before_sent")
        return _state(self.engine, self.name)
