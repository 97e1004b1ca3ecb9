"""Who is here. The one seam for it: for now a single user, on a server that only this machine reaches."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.settings import machine_user


@dataclass(frozen=True)
class Person:
    """Somebody who looks at the pages."""

    name: str
    sees_addresses: bool = False
    """Whether e-mail addresses are shown in full; until there are roles, nobody's are."""


def current_person() -> Person:
    """The person behind this session: who started the pages, by the name that the command line has for them."""
    return Person(name=machine_user())
