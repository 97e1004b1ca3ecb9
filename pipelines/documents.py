"""Documents as people write them: YAML or JSON text to a mapping, and problems told by their path."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml
from pydantic import ValidationError

from pipelines.errors import UsageError

MAX_SIZE = 1_000_000
"""Characters; a longer text is no document that a person wrote."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML would silently keep the last one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Build one node; an alias is refused, a few of them in a row mean a document of any size."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "an alias (*name) is not taken", self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build one mapping."""
        keys: set[Hashable] = set()
        for told, _ in node.value:
            key = self.construct_object(told, deep=True)
            if key in keys:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", node.start_mark)
            keys.add(key)
        return super().construct_mapping(node, deep)


def load_mapping(text: str, what: str, *, end: str = "Nothing was saved.") -> dict[str, Any]:
    """Read a document (YAML; JSON is a part of it). `what` names it in messages: `segment`; `end` says what stayed.

    Raises:
        UsageError: no YAML, or no mapping.
    """
    if len(text) > MAX_SIZE:
        raise UsageError(f"the {what} document is longer than {MAX_SIZE:,} characters. {end}")
    try:
        found = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        place = f" in line {problem.problem_mark.line + 1}" if problem.problem_mark else ""
        raise UsageError(f"the {what} document is no YAML: {problem.problem}{place}. {end}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        raise UsageError(f"the {what} document is no YAML. {end}") from None
    if not isinstance(found, dict):
        raise UsageError(f"the {what} document has to be a mapping with the keys of the guide. {end}")
    return found


def problems(error: ValidationError, what: str, *, end: str = "Nothing was saved.") -> UsageError:
    """The error for a document that pydantic refused: each problem with its path, five at most."""
    found = [f"{path_text(problem['loc'])}: {_words(problem)}" for problem in error.errors()[:5]]
    return UsageError(f"the {what} document is wrong. {'; '.join(found)}. {end}")


def path_text(path: tuple[int | str, ...]) -> str:
    """`("match", "all", 1, "trait")` as `match.all[1].trait`."""
    # A part in angle brackets is the tag of a union, not a key of the document.
    keys = [part for part in path if isinstance(part, int) or not part.startswith("<")]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in keys)
    return text.removeprefix(".") or "document"


def _words(problem: Any) -> str:
    match problem["type"]:
        case "extra_forbidden":
            return "unknown key"
        case "missing":
            return "is missing"
        case "literal_error":
            return f"write one of {problem['ctx']['expected'].replace(' or ', ', ')}"
        case "model_type" | "model_attributes_type":
            return "has to be a mapping"
        case "string_pattern_mismatch":
            return f"does not fit {problem['ctx']['pattern']}"
    return str(problem["msg"]).removeprefix("Value error, ")
