"""What a rule and a mail may say about a person: the columns of the mart `dim_customers`.

The mart's contract (its yml in the dbt project) is the one list of them; a new column is a new
trait. A rule may only name columns that the snapshot has. An amount whose column names its currency
there (`meta.currency`) is offered in major units too, under the name without `_minor`; the table of
decimals is Stripe's (ISK and UGX are divided by 100).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import yaml

from pipelines.transform import PROJECT_DIR

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot


Kind: TypeAlias = Literal["text", "number", "flag", "moment", "list", "money"]

MART = "marts.dim_customers"
_YML = PROJECT_DIR / "models" / "marts" / "customers" / "dim_customers.yml"


@cache
def known_traits() -> dict[str, str]:
    """The documented traits, each with its meaning; mails may use them as variables."""
    meanings: dict[str, str] = {}
    for column in _columns():
        name, meaning = str(column["name"]), str(column["description"]).strip()
        meanings[name] = meaning
        if (currency := _currency(column)) is not None:
            meanings[_major_name(name)] = f"{meaning.split(', in the smallest unit')[0]}, in major units of {currency}."
    return dict(sorted(meanings.items()))


@cache
def trait_kinds() -> dict[str, Kind]:
    """What each documented trait is: text, a number, an amount in major units and so on."""
    kinds = {str(column["name"]): _kind(str(column["data_type"]).upper()) or "text" for column in _columns()}
    return {**kinds, **dict.fromkeys(money(), "money")}


@cache
def money() -> dict[str, tuple[str, str]]:
    """Amounts in major units: the columns of the amount and of its currency."""
    found = {str(column["name"]): _currency(column) for column in _columns()}
    return {_major_name(name): (name, currency) for name, currency in found.items() if currency is not None}


def _major_name(name: str) -> str:
    return name.removesuffix("_minor")


def _currency(column: dict[str, Any]) -> str | None:
    """The column with the currency of this amount; None where it is no amount."""
    found = column.get("config", {}).get("meta", {}).get("currency")
    return None if found is None else str(found)


@cache
def _columns() -> tuple[dict[str, Any], ...]:
    """The columns as the mart's contract lists them: they are written down nowhere else."""
    document = yaml.load(_YML.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return tuple(document["models"][0]["columns"])


class Field(NamedTuple):
    """One thing that a rule may ask about."""

    name: str
    kind: Kind
    meaning: str


def snapshot_fields(snapshot: Snapshot) -> dict[str, Field]:
    """What the people of this snapshot have, by name; empty where the mart is not published yet."""
    if not snapshot.has(MART):
        return {}
    cursor = snapshot.cursor()
    try:
        columns = {str(row[0]): str(row[1]) for row in cursor.execute(f"describe {MART}").fetchall()}
    finally:
        cursor.close()
    kinds: dict[str, Kind] = {name: kind for name, type_ in columns.items() if (kind := _kind(type_))}
    kinds |= {name: "money" for name, parts in money().items() if set(parts) <= set(columns)}
    return {name: Field(name, kind, known_traits().get(name, "")) for name, kind in sorted(kinds.items())}


def _kind(type_: str) -> Kind | None:
    if type_.endswith("[]"):
        return "list"
    if type_ in ("VARCHAR", "JSON"):
        return "text"
    if type_ == "BOOLEAN":
        return "flag"
    if type_.startswith(("TIMESTAMP", "DATE")):
        return "moment"
    numeric = (
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UBIGINT",
        "UINTEGER",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
    )
    return "number" if type_.startswith(numeric) else None
