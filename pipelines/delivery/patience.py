"""When to leave the mailer alone: a rate limit until it ends, an outage until a mail goes through again.

The limit is that of the account, so it holds for everybody. An outage is waited out and not counted as
failure of anybody: after each rest one mail tries whether the mailer is back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pipelines.delivery.watch import Watch
from pipelines.mail import Handover

LIMITED = timedelta(seconds=60)
"""How long a rate limit lasts that does not say so."""
UNSENT, UNSURE = 30.0, 300.0
"""The longest rest in seconds between two tries: where trying costs nothing, and where it may cost a mail."""
IN_A_ROW = 16
"""So many mails in doubt one after the other are an outage, too."""
_UNAVAILABLE = 503


class Patience:
    """What the mailer's answers say about the next mail."""

    def __init__(self, watch: Watch, note: Callable[[str], None]) -> None:
        self._watch, self._note = watch, note
        self._until: float | None = None
        self._failures = self._doubts = 0
        self._began = 0.0
        self._limited_until: datetime | None = None

    @property
    def resting(self) -> bool:
        """Whether nothing may leave now."""
        return self._until is not None

    def room(self, most: int) -> int:
        """How many of `most` may be in flight: none in a rest, one to try, all otherwise."""
        return 0 if self.resting else 1 if self._failures else most

    def seconds(self) -> float:
        """How long the rest still is."""
        return max(0.0, (self._until or 0.0) - self._watch.ticks())

    def over(self) -> datetime | None:
        """End the rest; returns the moment until which the mailer had asked for it, where it named one."""
        moment, self._limited_until, self._until = self._limited_until, None, None
        return moment

    def heard(self, result: Handover) -> Handover:
        """Take an answer in; returns it with the time at which a mail may be tried again, where it has to wait."""
        if result.outcome == "later":
            retry_at = result.retry_at or self._watch.now() + LIMITED
            self.limit(retry_at)
            return result._replace(retry_at=retry_at)
        is_doubt = result.outcome == "ambiguous"
        self._doubts = self._doubts + 1 if is_doubt else 0
        if result.outcome == "not_sent":
            self._failed(result, UNSENT)
        elif is_doubt and (result.status == _UNAVAILABLE or self._doubts >= IN_A_ROW or self._failures):
            self._failed(result, UNSURE)
        elif not is_doubt and self._failures and not self.resting:
            self._note(f"the mailer answers again after {self._watch.ticks() - self._began:,.0f} s.")
            self._failures = 0
        return result

    def limit(self, until: datetime | None) -> None:
        """The account may not send before this moment: told just now, or to a sender before this one."""
        now = self._watch.now()
        if until is None or until <= now:
            return
        if self._limited_until is None or until > self._limited_until:
            self._limited_until = until
            self._note(f"the mailer asks for a rest until {until:%H:%M:%S} UTC; everybody waits.")
        self._rest((until - now).total_seconds())

    def _failed(self, result: Handover, longest: float) -> None:
        if self.resting:
            return  # It went out before the rest began.
        if not self._failures:
            self._began = self._watch.ticks()
            self._note(f"the mailer does not take mails ({result.reason}); waiting until it does. Nobody is lost.")
        self._rest(min(2.0**self._failures, longest))
        self._failures += 1

    def _rest(self, seconds: float) -> None:
        self._until = max(self._until or 0.0, self._watch.ticks() + seconds)
