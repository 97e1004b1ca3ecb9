"""Time that passes only when somebody rests, and a mailer that does as it is told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.delivery.watch import Watch
from pipelines.mail import Handover, Mail, Outbox
from tests.segments.people import NOW


class Time:
    """A wall clock that can be set, and seconds that pass in rests and when they are told to."""

    def __init__(self, begin: datetime = NOW) -> None:
        self.begin, self.passed, self.ahead = begin, 0.0, timedelta(0)
        self.rests: list[float] = []

    def now(self) -> datetime:
        return self.begin + timedelta(seconds=self.passed) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.passed += seconds
        self.rests.append(seconds)

    def watch(self) -> Watch:
        return Watch(self.now, ticks=lambda: 1000.0 + self.passed, sleep=self.sleep)


class Acting(Outbox):
    """The outbox, but while it writes one of the mails, something happens in the world."""

    def __init__(self, folder: Path, act: Callable[[], object], during: int) -> None:
        super().__init__(folder)
        self.act, self.during = act, during
        self._seen, self._lock = 0, threading.Lock()

    def hand_over(self, mail: Mail) -> Handover:
        with self._lock:
            self._seen += 1
            if self._seen == self.during:
                self.act()
        return super().hand_over(mail)


class Scripted:
    """A provider: takes every mail, but for what `say` answers in its stead. It remembers what it has."""

    def __init__(self, say: Callable[[Mail, int], Handover | None] = lambda _mail, _number: None) -> None:
        self.say = say
        self.has: Counter[str] = Counter()
        self.mails: list[Mail] = []
        self.asked = 0
        self.busy = self.most_busy = 0
        self._lock = threading.Lock()

    def hand_over(self, mail: Mail) -> Handover:
        with self._lock:
            self.asked += 1
            number = self.asked
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
        try:
            result = self.say(mail, number) or Handover("accepted", message_id=f"m{number}", status=202)
        finally:
            with self._lock:
                self.busy -= 1
        with self._lock:
            if result.outcome == "accepted":
                self.take(mail)
        return result

    def take(self, mail: Mail) -> None:
        self.has[mail.key] += 1
        self.mails.append(mail)

    def handed_over(self, campaign: str) -> dict[str, int]:
        return {mail.key: self.has[mail.key] for mail in self.mails if mail.campaign == campaign}

    def gave(self, message_id: str) -> bool:
        return message_id.startswith("m")

    def close(self) -> None:
        """Nothing to close."""


def in_turn(answers: Iterable[Handover | None]) -> Callable[[Mail, int], Handover | None]:
    """One answer after the other; then everything is taken."""
    left: Iterator[Any] = iter(answers)
    return lambda _mail, _number: next(left, None)
