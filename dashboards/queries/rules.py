"""The builder's form of a rule: groups of conditions, all of a group must hold, one group is enough.

Only how a rule is drawn; what it means is the segments' room's business. A condition that has no inputs of its own
is shown in words and kept as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipelines.segments import Condition, Field, SegmentDocument, parse_segment, phrase

Json = dict[str, Any]
_DRAWN = {
    "trait": {"field", "op", "value", "currency"},
    "event": {"name", "count", "within"},
    "email": {"event", "campaign", "count", "within"},
    "campaign": {"name", "state"},
    "percent": {"of", "salt"},
}
"""The kinds that have inputs, and the keys that these can say."""


def match_of(groups: list[list[Json]]) -> Json:
    """The rule that these groups draw."""
    drawn = [{"all": group} for group in groups]
    return drawn[0] if len(drawn) == 1 else {"any": drawn}


def groups_of(match: Json) -> list[list[Json]] | None:
    """The groups that draw this rule; None where there are none to draw."""
    if "any" in match:
        return [_group(part) for part in match["any"]] or None
    return [_group(match)]


def _group(match: Json) -> list[Json]:
    return list(match.get("all", [match]))


def has_inputs(condition: Json, fields: Mapping[str, Field]) -> bool:
    """Whether the builder can draw all that a condition says."""
    ((kind, said),) = condition.items()
    if kind == "segment":
        return True
    if kind == "not":
        return set(said) == {"segment"}
    if kind not in _DRAWN or not set(said) <= _DRAWN[kind]:
        return False
    if kind == "campaign":
        return not isinstance(said.get("state"), list)
    return kind != "trait" or _is_drawn_trait(said, fields)


def _is_drawn_trait(trait: Json, fields: Mapping[str, Field]) -> bool:
    field, value = fields.get(trait["field"]), trait.get("value")
    # The input of a moment is a day.
    return field is not None and (field.kind != "moment" or (isinstance(value, str) and len(value) == 10) or not value)


def in_words(condition: Json) -> str:
    """A condition as a sentence says it."""
    return phrase(Condition.model_validate(condition))


def document_of(name: str, description: str, match: Json) -> SegmentDocument:
    """The segment as `segment save` would read it.

    Raises:
        UsageError: it can not be meant; the message names the path.
    """
    whole = {"name": name, **({"description": description} if description else {}), "match": match}
    return parse_segment(json.dumps(whole))
