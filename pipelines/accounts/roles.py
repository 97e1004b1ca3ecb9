"""Roles and what they may do. Whoever answers asks `may`: a page that hides a button is no guard."""

from __future__ import annotations

from typing import Literal

Permission = Literal["figures", "people", "installation", "approve", "approve_own"]
"""`figures`: counts and sums; `people`: answers that name people; `installation`: sources, disk, keys' endings;
`approve`: let a campaign be sent that somebody else saved, `approve_own`: one's own as well."""

_MAY: dict[str, frozenset[Permission]] = {
    "reader": frozenset({"figures"}),
    "marketer": frozenset({"figures", "people", "approve"}),
    "admin": frozenset({"figures", "people", "installation", "approve", "approve_own"}),
}
ROLES = tuple(_MAY)
"""From the one that sees least to the one that sees most."""


def may(role: str, wanted: Permission) -> bool:
    """Whether a role may do that; one that this version does not know may do nothing."""
    return wanted in _MAY.get(role, frozenset())
