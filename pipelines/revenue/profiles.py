"""The definition profiles that figures are computed under: rows of a table, each column a rule."""

from __future__ import annotations

from pipelines.errors import UsageError
from pipelines.warehouse import Snapshot

DEFAULT_PROFILE = "stripe"


def profiles(snapshot: Snapshot) -> list[str]:
    """The profiles that this snapshot was published with, the default first."""
    found = [str(name) for (name,) in snapshot.query("select profile from marts.definition_profiles").iter_rows()]
    return sorted(found, key=lambda name: (name != DEFAULT_PROFILE, name))


def check_profile(snapshot: Snapshot, profile: str) -> None:
    """Refuse a profile that the snapshot does not know.

    Raises:
        UsageError: naming the profiles that there are.
    """
    known = profiles(snapshot)
    if profile not in known:
        raise UsageError(f"--profile {profile}: there is no such profile; write one of {', '.join(known)}.")
