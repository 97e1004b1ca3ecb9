"""The builder's form of a rule: groups of conditions, all of a group must hold, one group is enough.

Only how a rule is drawn; what it means is the segments' room's business. A rule of another shape is
edited as text.
"""

from __future__ import annotations

import json
from typing import Any

from pipelines.segments import SegmentDocument, parse_segment

Json = dict[str, Any]
KINDS = ("trait", "event", "email", "segment")


def match_of(groups: list[list[Json]]) -> Json:
    """The rule that these groups draw."""
    drawn = [{"all": group} for group in groups]
    return drawn[0] if len(drawn) == 1 else {"any": drawn}


def groups_of(match: Json) -> list[list[Json]] | None:
    """The groups that draw this rule; None where the builder can not."""
    if "any" in match:
        found = [_group(part) for part in match["any"]]
        drawn = [group for group in found if group is not None]
        return drawn if drawn and len(drawn) == len(found) else None
    group = _group(match)
    return None if group is None else [group]


def _group(match: Json) -> list[Json] | None:
    parts = match.get("all", [match])
    return list(parts) if all(_drawable(part) for part in parts) else None


def _drawable(condition: Json) -> bool:
    kind = next(iter(condition))
    if kind == "not":
        return set(condition["not"]) == {"segment"}
    return kind in KINDS


def document_of(name: str, description: str, match: Json) -> SegmentDocument:
    """The segment as `segment save` would read it.

    Raises:
        UsageError: it can not be meant; the message names the path.
    """
    whole = {"name": name, **({"description": description} if description else {}), "match": match}
    return parse_segment(json.dumps(whole))
