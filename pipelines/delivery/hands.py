"""The threads that hand mails over, each with one mail at a time: as many are in flight as there are hands."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import NamedTuple

from pipelines.delivery.ledger import Claimed
from pipelines.faults import fault_point
from pipelines.mail import Handover, Mail, Mailer

GATHER = 0.002
"""Seconds in which the next answer has to come to be written down together with the first."""


class Answer(NamedTuple):
    """What a mailer said of one mail; `problem` is what it raised instead."""

    row: Claimed
    result: Handover
    problem: BaseException | None = None


class Hands:
    """A mailer in several hands; they end when told to, with the mail they hold."""

    def __init__(self, mailer: Mailer, count: int) -> None:
        self.count, self.flying = count, 0
        self._mailer = mailer
        self._threads: list[threading.Thread] = []
        self._mails: SimpleQueue[tuple[Claimed, Mail] | None] = SimpleQueue()
        self._answers: SimpleQueue[Answer] = SimpleQueue()

    def give(self, mails: Iterable[tuple[Claimed, Mail]]) -> None:
        """Hand these over; there has to be a free hand for each."""
        for row, mail in mails:
            if len(self._threads) == self.flying < self.count:
                # As daemons: whoever ends the process does not wait for a provider that is silent.
                thread = threading.Thread(target=self._work, name="hand", daemon=True)
                thread.start()
                self._threads.append(thread)
            self.flying += 1
            self._mails.put((row, mail))

    def answers(self, seconds: float | None, several: int) -> list[Answer]:
        """What has landed: waits so many seconds (None: as long as it takes) for the first, then a moment for more."""
        found: list[Answer] = []
        try:
            while self.flying > len(found):
                found.append(self._answers.get(timeout=seconds))
                seconds = GATHER if len(found) < several else 0.0
        except Empty:
            pass
        self.flying -= len(found)
        return found

    def close(self) -> None:
        """Let the threads end."""
        for _ in self._threads:
            self._mails.put(None)

    def _work(self) -> None:
        while (task := self._mails.get()) is not None:
            row, mail = task
            try:
                answer = Answer(row, self._mailer.hand_over(mail))
            except BaseException as problem:
                answer = Answer(row, Handover("ambiguous", reason=type(problem).__name__), problem)
            fault_point("sender.after_handover")
            self._answers.put(answer)
