"""Expanding: putting objects in the place of their ids, as deep as Stripe allows."""

from __future__ import annotations

from typing import Any

from pipelines.demo.kinds import CHILDREN, KINDS
from pipelines.demo.object_store import Store
from pipelines.demo.refusals import Refusal, invalid

Json = dict[str, Any]

DEEPEST = 4


def paths_of(given: Any, listed: bool) -> list[list[str]]:
    """The `expand` parameter as paths below one object; more than four levels are refused."""
    paths = []
    for text in given if isinstance(given, list) else []:
        steps = text.split(".")
        if len(steps) > DEEPEST:
            raise invalid(f"You cannot expand more than 4 levels of a property. Property: {text}", "expand")
        if listed and (steps[0] != "data" or len(steps) == 1):
            raise _refused(text)
        paths.append(steps[1:] if listed else steps)
    return paths


def expand(store: Store, kind: str, obj: Json, paths: list[list[str]]) -> Json:
    """The object with every path expanded, and without what only `expand` would show."""
    wanted = {path[0] for path in paths}
    for name in KINDS[kind].hidden - wanted:
        obj.pop(name, None)
    for path in paths:
        _expand_children(store, kind, obj, path[0])
        if path[0] in KINDS[kind].hidden and path[0] not in obj:
            continue  # Stripe accepts `tiers` for a price that has none.
        _walk(store, obj, path, ".".join(path))
    return obj


def _expand_children(store: Store, kind: str, obj: Json, name: str) -> None:
    """Lists that are not stored with their owner: a charge's refunds, an invoice's payments."""
    if (kind, name) not in CHILDREN or name in obj:
        return
    child, pointer = CHILDREN[kind, name]
    rows = sorted(store.shelf(child).grouped(pointer, obj["id"]), key=lambda row: (-row.created, row.id))
    members = [store.load(child, row.id) for row in rows[:10]]
    url = f"/v1/{kind}/{obj['id']}/{name}"
    obj[name] = {"object": "list", "data": members, "has_more": len(rows) > 10, "url": url}


def _walk(store: Store, node: Any, path: list[str], whole: str) -> None:
    if not path or node is None:
        return
    name, rest = path[0], path[1:]
    if isinstance(node, list):
        for member in node:
            _walk(store, member, path, whole)
        return
    if not isinstance(node, dict) or name not in node:
        raise _refused(whole)
    value = node[name]
    if isinstance(value, str):
        node[name] = _object(store, value, whole)
    elif isinstance(value, list):
        node[name] = [_object(store, one, whole) if isinstance(one, str) else one for one in value]
    elif value is not None and not isinstance(value, dict):
        raise _refused(whole)
    _walk(store, node[name], rest, whole)


def _object(store: Store, identity: str, whole: str) -> Json:
    found = store.find(identity)
    if found is None:
        raise _refused(whole)
    kind, obj = found
    return expand(store, kind, obj, [])


def _refused(path: str) -> Refusal:
    return invalid(f"This property cannot be expanded ({path}).", "expand")
