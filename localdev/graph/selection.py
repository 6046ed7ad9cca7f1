"""`$select`: which properties of an entity leave the emulator, and in what state."""

from collections.abc import Callable
from typing import Any

from localdev.graph.schema import EntityType
from localdev.graph.wire import Call, Entity, bad_request

Shape = Callable[[Entity], Entity]


def selected(call: Call, entity_type: EntityType, *others: EntityType) -> tuple[str, ...] | None:
    """The properties of this type that a call names; None where it names none.

    Where entities of several types come together, a name need only belong to one of them; GraphError 400 for one
    that Graph does not know.
    """
    text = call.query.get("$select")
    if text is None:
        return None
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if not any(name in each.properties for each in (entity_type, *others)):
            raise bad_request(
                "Parsing OData Select and Expand failed: "
                f"Could not find a property named '{name}' on type 'microsoft.graph.{entity_type.name}'.",
                "RequestBroker--ParseUri" if entity_type.name in ("message", "event", "mailFolder") else "BadRequest",
            )
    return tuple(name for name in names if name in entity_type.properties)


def shape(
    call: Call, entity_type: EntityType, *others: EntityType, basic: bool = False, keep_id: bool = False
) -> Shape:
    """How an entity of this type looks to this call.

    `basic`: the token has only a ReadBasic role, so what that withholds stays away even when it is selected.
    `keep_id`: the id comes along unasked, as it does in mailboxes.
    """
    names = selected(call, entity_type, *others)
    if names is None:
        return _whole(entity_type, basic)
    if keep_id and "id" not in names:
        names = ("id", *names)
    return _picked(entity_type, tuple(name for name in names if _allowed(entity_type, name, basic)))


def nothing_but_id(call: Call, entity_type: EntityType, *others: EntityType) -> Shape:
    """An entity whose type the token may not read: every property but the id is null."""
    names = selected(call, entity_type, *others) or tuple(sorted(entity_type.default or entity_type.properties))
    blank: Entity = {
        name: [] if name in entity_type.collections else None for name in names if name not in entity_type.not_null
    }
    return lambda entity: {**blank, "id": entity["id"]}


def _picked(entity_type: EntityType, names: tuple[str, ...]) -> Shape:
    defaults: list[tuple[str, Any]] = [
        (name, () if name in entity_type.collections else None) for name in names if name not in entity_type.not_null
    ]
    only_with_value = [name for name in names if name in entity_type.not_null]

    def pick(entity: Entity) -> Entity:
        picked = {name: entity.get(name, default) for name, default in defaults}
        picked.update((name, entity[name]) for name in only_with_value if name in entity)
        return _with_type(entity, picked)

    return pick


def _whole(entity_type: EntityType, basic: bool) -> Shape:
    left_out = entity_type.on_request | (entity_type.withheld if basic else frozenset())
    names = tuple(
        name
        for name in entity_type.properties
        if name not in left_out and _allowed(entity_type, name, basic) and _by_default(entity_type, name)
    )
    if entity_type.default is not None:
        return _picked(entity_type, names)
    return lambda entity: _with_type(entity, {name: entity[name] for name in names if name in entity})


def _by_default(entity_type: EntityType, name: str) -> bool:
    return entity_type.default is None or name in entity_type.default


def _allowed(entity_type: EntityType, name: str, basic: bool) -> bool:
    if not basic:
        return True
    return name not in entity_type.withheld and (entity_type.basic is None or name in entity_type.basic)


def _with_type(entity: Entity, picked: Entity) -> Entity:
    kind = entity.get("@odata.type")
    return picked if kind is None else {"@odata.type": kind, **picked}
