"""The sender: waits for its turn, takes over from whoever died, plans once, then sends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from pipelines.campaigns import HeldBackError, Hold, create_codes, plan_due
from pipelines.delivery.doubt import settle_doubts
from pipelines.delivery.ledger import recover
from pipelines.delivery.lock import only_sender
from pipelines.delivery.sending import Note, Sending, SendReport, state_to_send
from pipelines.delivery.signals import stop_on_signal
from pipelines.delivery.watch import Clock, Watch
from pipelines.errors import MillstreamError
from pipelines.mail import Mailer, mailer_for
from pipelines.settings import Settings
from pipelines.state import open_state

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


def _silent(_line: str) -> None:
    """Say nothing."""


def send(
    settings: Settings,
    name: str,
    now: Clock | None = None,
    *,
    note: Note = _silent,
    mailer: Mailer | None = None,
    watch: Watch | None = None,
    newest: Callable[[], Snapshot] | None = None,
    unattended: bool = False,
) -> SendReport:
    """Send a campaign until every recipient has an end state or waits for a later time.

    Run again, it goes on where the ledger stands, or does nothing. A rate limit and an outage of the
    mailer are waited out.

    `newest` hands out the snapshot for an audience that is frozen now; it may hold the campaign back. `unattended`
    takes that as an answer, and goes on with what is planned.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: it is a draft, paused, cancelled or failed; the mailer is not usable or refuses
            the account; the outbox can not be written; it is held back, and somebody watches. Nobody is
            mailed twice by running it again.
    """
    watch = watch or Watch(now or settings.now)
    engine = open_state(settings)
    mailer = mailer or ready_to_send(settings, name)
    with (
        closing(mailer),
        stop_on_signal() as stop,
        only_sender(settings, engine, stopped=stop, waiting=note) as has_turn,
    ):
        if not has_turn:
            return SendReport(name, "waiting", stopped=True)
        if state_to_send(engine, name) == "sent":
            return SendReport(name, "sent")
        shut: tuple[Hold, ...] = ()
        try:
            _plan(engine, settings, name, watch, newest or partial(_newest, settings), note)
        except HeldBackError as problem:
            if not unattended:
                raise
            note(str(problem))
            shut = problem.shut
        state = state_to_send(engine, name)
        if state != "sending":
            return SendReport(name, state, held_back=shut)
        in_doubt = recover(engine, name, watch.now())
        settle_doubts(engine, watch.now(), name)
        create_codes(engine, settings, name, watch.now(), stopped=stop, note=note)
        done = Sending(settings, engine, mailer, name, watch, stop, note).run(in_doubt)
        return replace(done, held_back=shut)


def _plan(
    engine: Engine, settings: Settings, name: str, watch: Watch, newest: Callable[[], Snapshot], note: Note
) -> None:
    planned = plan_due(engine, settings, name, watch.now(), newest)
    if planned:
        note(f"audience of {planned:,} frozen.")


def ready_to_send(settings: Settings, name: str) -> Mailer:
    """The mailer, if this campaign may be sent now: what every way of sending asks first.

    Raises:
        UsageError: there is no such campaign.
        MillstreamError: it is a draft, paused, cancelled or failed, or the mailer is not usable.
    """
    mailer = mailer_for(settings)
    state_to_send(open_state(settings), name)
    return mailer


def _newest(settings: Settings) -> Snapshot:
    from pipelines.warehouse import SnapshotReader  # Late: going on with a plan needs no snapshot.

    snapshot = SnapshotReader(settings.published_dir).current()
    if snapshot is None:
        raise MillstreamError("nothing is published yet. Nobody was mailed. Run `millstream run` first.")
    return snapshot
