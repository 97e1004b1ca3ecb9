"""Who falls into a holdout and who gets which variant: by hash, so that asking again gives the same.

The salts differ, so the draws are independent: who is held out of one campaign, of all of them, or gets variant A says
nothing of the other two.
"""

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


def is_held_out_of_all(person_id: str, holdout: float) -> bool:
    """Whether this person gets no marketing mail at all: the same people in every campaign, as long as the share stays.

    A larger share keeps those whom a smaller one held out.
    """
    return share("global_holdout", "", person_id) < holdout


def variant_of(campaign: str, person_id: str, weights: Mapping[str, int]) -> str:
    """The variant of this person; `weights` in the order of the document."""
    point = share("variant", campaign, person_id) * sum(weights.values())
    for name, weight in weights.items():
        point -= weight
        if point < 0:
            return name
    return list(weights)[-1]
