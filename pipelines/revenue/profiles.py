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


def fx_days(snapshot: Snapshot, profile: str) -> int:
    """How many days after a day its rate is dated: 1 where the profile's `fx_date` is `next_day`."""
    return int(_rule(snapshot, profile, "fx_date") == "next_day")


def passing_churns(snapshot: Snapshot, profile: str) -> bool:
    """Whether customers who came and left, or left and came back, within a period count as churned in it."""
    return _rule(snapshot, profile, "passing_churns") is not False


def _rule(snapshot: Snapshot, profile: str, name: str) -> object:
    if not snapshot.has("marts.definition_profiles"):
        return None
    found = snapshot.query("select * from marts.definition_profiles where profile = $profile", profile=profile)
    return None if found.is_empty() else found[name].item()
