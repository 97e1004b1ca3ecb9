"""Whether a column has one of many values, handed over as one: no statement is written anew for so many of them."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import BinaryExpression, Boolean, ColumnElement, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import in_op
from sqlalchemy.types import TypeEngine


class _Texts(TypeDecorator[list[str]]):
    """Texts as one value: an array for PostgreSQL, JSON for SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type that the driver is told."""
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The texts as the driver takes them."""
        return list(value) if dialect.name == "postgresql" else orjson.dumps(list(value)).decode()


class _Each(FunctionElement[str]):
    """The texts of one parameter as rows of one column."""

    inherit_cache = True


@compiles(_Each)
def _of_json(element: _Each, compiler: SQLCompiler, **more: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **more)}))"


@compiles(_Each, "postgresql")
def _of_array(element: _Each, compiler: SQLCompiler, **more: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.clauses, **more)}))"


def among(column: ColumnElement[str], parameter: str) -> ColumnElement[bool]:
    """True where the column is one of the texts that the parameter of this name holds."""
    return BinaryExpression(column, _Each(bindparam(parameter, type_=_Texts())), in_op, type_=Boolean())
