"""Who falls into the holdout and who gets which variant: by hash, so that asking again gives the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def share(salt: str, campaign: str, person_id: str) -> float:
    """An even number in [0, 1) that belongs to this person in this campaign."""
    digest = hashlib.sha256(f"{salt}|{campaign}|{person_id}".encode()).hexdigest()
    return int(digest[:8], 16) / 2**32


def is_held_out(campaign: str, person_id: str, holdout: float) -> bool:
    """Whether this person gets no mail, so that the others can be compared with them."""
    return share("holdout", campaign, person_id) < holdout


def variant_of(campaign: str, person_id: str, weights: Mapping[str, int]) -> str:
    """The variant of this person; `weights` in the order of the document."""
    point = share("variant", campaign, person_id) * sum(weights.values())
    for name, weight in weights.items():
        point -= weight
        if point < 0:
            return name
    return list(weights)[-1]
