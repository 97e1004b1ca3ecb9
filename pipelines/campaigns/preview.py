"""What a campaign would do now: its audience by reason, what is wrong with it, and one person's finished mail."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from pipelines.campaigns.audience import Recipient, audience
from pipelines.campaigns.content import Rendered, RenderError, Templates
from pipelines.campaigns.document import Content
from pipelines.campaigns.lint import Finding
from pipelines.campaigns.offers import offered_sample
from pipelines.campaigns.store import findings, load
from pipelines.errors import UsageError
from pipelines.privacy import InvalidAddressError, address_key, mask
from pipelines.settings import Settings
from pipelines.state import reading

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

SAMPLE_LINK = "/u/preview"
SAMPLE = 25
"""How many people are offered to look at the mail of."""
READ = 2000
"""So many mails are made to see who lacks what they need; of the others one for each kind of gap."""


def preview(
    engine: Engine,
    snapshot: Snapshot,
    settings: Settings,
    name: str,
    as_of: datetime | None = None,
    *,
    person: str | None = None,
    variant: str | None = None,
    step: str | None = None,
) -> dict[str, Any]:
    """Who would get the campaign, who would not and why, what is wrong with it, and one mail; changes nothing.

    The mail is that of `person` (id or address) as they would read it, mailed or not; left out, of the
    first who gets one. It is that of their variant or of the first step, unless another one is named.
    With `as_of` the segment is asked for an earlier moment; consent is that of today.

    Raises:
        UsageError: no such campaign, segment, variant or step, nobody of that name in it, or a template
            that can not be used.
    """
    content = load(engine, name)
    look = _Look(content, settings, variant=variant, step=step)
    key = _key(person)
    shown: tuple[Recipient, Rendered] | None = None
    with reading(engine) as connection:
        for row in audience(connection, engine, snapshot, settings, content, as_of):
            look.see(row)
            wanted = person is not None and (row.person_id == person or (key is not None and row.address_key == key))
            if wanted and shown is None:
                shown = row, look.rendered(row)
    if person is not None and shown is None:
        raise UsageError(f"--person {person}: nobody of this id or address is in the audience.")
    if person is None and look.complete:
        shown = look.complete[0]
    found = [*findings(engine, settings, content), *look.gaps()]
    return {
        "campaign": name,
        "audience": look.audience,
        "planned": look.states["planned"],
        "holdout": look.states["holdout"],
        "excluded": dict(sorted(look.left_out.items())),
        "without_needed_traits": look.incomplete,
        "findings": [finding._asdict() for finding in sorted(found, key=lambda one: one.level != "blocks")],
        "mail": None if shown is None else look.mail(*shown),
        "mails": [one for one in look.templates.names if one],
        "sample": [{"person_id": row.person_id, "to": mask(row.address)} for row, _ in look.complete],
        "as_of": as_of or snapshot.as_of,
        "snapshot": snapshot.number,
    }


class _Look:
    """What a walk over the audience tells, without keeping it."""

    def __init__(self, content: Content, settings: Settings, *, variant: str | None, step: str | None) -> None:
        self.templates, self._settings = Templates(content), settings
        self._steps = [one.name for one in content.document.steps]
        self._variants = [one.name for one in content.document.variants]
        for what, chosen, names in (("variant", variant, self._variants), ("step", step, self._steps)):
            if chosen is not None and chosen not in names:
                known = f"It has {', '.join(names)}." if names else "It has none."
                raise UsageError(f"--{what} {chosen}: the campaign has no such {what}. {known}")
        self._variant = variant
        self._step = step or (self._steps[0] if self._steps and "" not in self.templates.names else "")
        self._extra = offered_sample(content)
        self.audience = self.incomplete = 0
        self.states: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.complete: list[tuple[Recipient, Rendered]] = []
        self._lacking: Counter[str] = Counter()
        self._by_gap: dict[tuple[str, frozenset[str]], str | None] = {}

    def see(self, row: Recipient) -> None:
        """Count one row; a mail is made where it can tell something new."""
        self.audience += 1
        self.states[row.state] += 1
        if row.reason and row.state != "holdout":
            self.left_out[row.reason] += 1
        if row.state != "planned":
            return
        traits = json.loads(row.variables)
        gap = (row.variant, frozenset(name for name, value in traits.items() if value is None or value == ""))
        if self.states["planned"] > READ and gap in self._by_gap:
            problem = self._by_gap[gap]
        else:
            problem = self._by_gap[gap] = self._tried(row)
        if problem is not None:
            self.incomplete += 1
            self._lacking[problem] += 1

    def _tried(self, row: Recipient) -> str | None:
        try:
            mail = self.rendered(row)
        except RenderError as problem:
            return str(problem)
        if len(self.complete) < SAMPLE:
            self.complete.append((row, mail))
        return None

    def rendered(self, row: Recipient) -> Rendered:
        """The mail of this person."""
        return self.templates.render(
            json.loads(row.variables),
            variant=self._variant or row.variant,
            step=self._step,
            unsubscribe_url=self._settings.public_url.rstrip("/") + SAMPLE_LINK,
            postal_address=self._settings.postal_address,
            extra=self._extra,
        )

    def gaps(self) -> list[Finding]:
        """What the audience itself warns of."""
        found = []
        for problem, people in sorted(self._lacking.items()):
            place, _, words = problem.partition(": ")
            lack = f"{people:,} of {self.states['planned']:,} get no mail: {words}; give it a default"
            found.append(Finding("warns", "trait_lacking", place, lack))
        if not self.states["planned"]:
            found.append(Finding("warns", "nobody", "segment", "nobody would get a mail today"))
        return found

    def mail(self, row: Recipient, mail: Rendered) -> dict[str, Any]:
        """The mail with its reader."""
        who = {"person_id": row.person_id, "to": mask(row.address), "state": row.state, "reason": row.reason}
        return {**who, "variant": self._variant or row.variant, "step": self._step, **mail._asdict()}


def _key(person: str | None) -> str | None:
    try:
        return None if person is None else address_key(person)
    except InvalidAddressError:
        return None
