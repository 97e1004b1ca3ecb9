"""What the key may not read of what a sync asks for: each list is asked for one object."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pipelines.stripe.catalogue import EVENT, KINDS, Kind
from pipelines.stripe.client import ForbiddenError, StripeApi


def missing_permissions(api: StripeApi) -> dict[str, str | None]:
    """Path of each list that the key may not read -> what Stripe calls the permission, where it tells it.

    Raises:
        RefusedKeyError: the key is no good at all, or not for this account.
        MillstreamError: Stripe did not answer.
    """
    kinds = [*KINDS, EVENT]
    # The first by itself: a key that is refused is refused once.
    found = {kinds[0].path: _refusal(api, kinds[0])}
    with ThreadPoolExecutor(max_workers=8) as pool:
        rest = kinds[1:]
        found |= zip((kind.path for kind in rest), pool.map(lambda kind: _refusal(api, kind), rest), strict=True)
    return {path: refusal.permission for path, refusal in found.items() if refusal is not None}


def _refusal(api: StripeApi, kind: Kind) -> ForbiddenError | None:
    try:
        api.get(kind.path, limit=1)
    except ForbiddenError as refusal:
        return refusal
    return None
