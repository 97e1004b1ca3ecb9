"""`where`: conditions on an event's properties, nested by and/or, and the SQL that they become.

A property is read as text. Text is compared with a string, its number with a number; `ne` and
`not_in` also hold where the property is missing. Values and property names are bound, never pasted.
Query documents and segments share them; a document that is only read costs no engine.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

Op = Literal[
    "eq",
    "ne",
    "in",
    "not_in",
    "gt",
    "gte",
    "lt",
    "lte",
    "contains",
    "icontains",
    "regex",
    "is_set",
    "is_not_set",
]
Scope = Literal["event", "user"]
_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class _Part(BaseModel):
    """Keys that it does not name are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Condition(_Part):
    """One comparison of one property."""

    property: str = Field(min_length=1)
    op: Op
    value: Any = None
    scope: Scope = "event"

    @model_validator(mode="after")
    def _value_fits_op(self) -> Condition:
        if self.op in ("is_set", "is_not_set"):
            fits, wanted = self.value is None or self.value == self.op, "no value"
        elif self.op in ("in", "not_in"):
            fits = isinstance(self.value, list) and bool(self.value) and all(map(_is_scalar, self.value))
            wanted = "a list of strings, numbers or booleans"
        elif self.op in ("eq", "ne"):
            fits, wanted = _is_scalar(self.value), "a string, a number or a boolean"
        elif self.op in _SIGNS:
            fits, wanted = _is_scalar(self.value) and not isinstance(self.value, bool), "a number or a string"
        else:
            fits, wanted = isinstance(self.value, str), "a string"
        if not fits:
            raise ValueError(f"value: op {self.op} takes {wanted}")
        if self.op == "regex":
            _check_pattern(self.value)
        return self


class AllOf(_Part):
    """`{"and": [...]}`"""

    nodes: list[Node] = Field(alias="and", min_length=1)


class AnyOf(_Part):
    """`{"or": [...]}`"""

    nodes: list[Node] = Field(alias="or", min_length=1)


def _kind_of(node: object) -> str | None:
    if isinstance(node, (Condition, AllOf, AnyOf)):
        return {Condition: "<condition>", AllOf: "<and>", AnyOf: "<or>"}[type(node)]
    if not isinstance(node, dict):
        return None
    return "<and>" if "and" in node else "<or>" if "or" in node else "<condition>"


Node: TypeAlias = Annotated[
    Annotated[Condition, Tag("<condition>")] | Annotated[AllOf, Tag("<and>")] | Annotated[AnyOf, Tag("<or>")],
    Discriminator(
        _kind_of,
        custom_error_type="condition",
        custom_error_message='write {"property", "op", "value"}, {"and": [...]} or {"or": [...]}',
    ),
]

Where: TypeAlias = Annotated[
    list[Node],
    BeforeValidator(
        lambda given: [given] if isinstance(given, dict) else given, json_schema_input_type=list[Node] | Node
    ),
]
"""A list of nodes that must all hold; one `{"and"|"or": [...]}` may stand for the list."""

AllOf.model_rebuild()
AnyOf.model_rebuild()


class Bindings:
    """The values of one statement, each under a name of its own."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.traits: dict[str, str] = {}
        """Properties of the user that the statement asks for, each with the column that has it (`rows`)."""

    def add(self, value: object) -> str:
        """Take a value in and return its place in the SQL (`$v0`)."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def trait(self, name: str) -> str:
        """The column with a property of the user."""
        return self.traits.setdefault(name, f"trait_{len(self.traits)}")


def conditions_of(nodes: list[Node]) -> list[Condition]:
    """Every condition in a `where`, however deep."""
    return [leaf for node in nodes for leaf in ([node] if isinstance(node, Condition) else conditions_of(node.nodes))]


def property_sql(name: str, bindings: Bindings) -> str:
    """SQL of a property's text in a row with the column `properties`; null where it is missing or null."""
    return f"json_extract_string(properties, {bindings.add(pointer(name))})"


def text_sql(name: str, scope: Scope, bindings: Bindings) -> str:
    """The same of an event's property or of the user's."""
    return bindings.trait(name) if scope == "user" else property_sql(name, bindings)


def pointer(name: str) -> str:
    """Where a property lies in a JSON object."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def where_sql(nodes: list[Node], bindings: Bindings) -> str:
    """SQL that is true or false (never null) for a row with `properties` and the bindings' traits."""
    return _joined(nodes, "and", bindings) if nodes else "true"


def _joined(nodes: list[Node], word: str, bindings: Bindings) -> str:
    return "(" + f" {word} ".join(_node_sql(node, bindings) for node in nodes) + ")"


def _node_sql(node: Node, bindings: Bindings) -> str:
    if isinstance(node, AllOf):
        return _joined(node.nodes, "and", bindings)
    if isinstance(node, AnyOf):
        return _joined(node.nodes, "or", bindings)
    text = text_sql(node.property, node.scope, bindings)
    holds = f"coalesce({_comparison(text, node, bindings)}, false)"
    return f"(not {holds})" if node.op in ("ne", "not_in", "is_not_set") else holds


def _comparison(text: str, node: Condition, bindings: Bindings) -> str:
    """SQL of the positive form: `ne` as `eq`, `not_in` as `in`, `is_not_set` as `is_set`."""
    if node.op in ("is_set", "is_not_set"):
        return f"{text} is not null"
    if node.op in ("eq", "ne"):
        return _equal(text, node.value, bindings)
    if node.op in ("in", "not_in"):
        return "(" + " or ".join(_equal(text, value, bindings) for value in node.value) + ")"
    bound = bindings.add(node.value)
    if node.op in _SIGNS:
        if isinstance(node.value, str):
            return f"{text} {_SIGNS[node.op]} {bound}"
        number = f"try_cast({text} as double)"
        return f"(isfinite({number}) and {number} {_SIGNS[node.op]} {bound})"
    if node.op == "regex":
        return f"regexp_matches({text}, {bound})"
    return f"contains({text}, {bound})" if node.op == "contains" else f"contains(lower({text}), lower({bound}))"


def _equal(text: str, value: object, bindings: Bindings) -> str:
    if isinstance(value, bool):
        return f"{text} = {bindings.add(str(value).lower())}"
    # A double is not exact beyond 2**53: ids of that length are compared digit by digit.
    if isinstance(value, str) or (isinstance(value, int) and abs(value) >= 2**53):
        return f"{text} = {bindings.add(str(value))}"
    return f"try_cast({text} as double) = {bindings.add(value)}"


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))


def _check_pattern(pattern: str) -> None:
    # Only the engine knows its own dialect of patterns (RE2); late, since most documents have none.
    import duckdb

    from pipelines.warehouse import connect

    with connect() as connection:
        try:
            connection.execute("select regexp_matches('', $pattern)", {"pattern": pattern})
        except duckdb.Error:
            raise ValueError("value: no regular expression (RE2 syntax, without look-around)") from None
