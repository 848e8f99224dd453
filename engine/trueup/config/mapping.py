"""A mapping document that fits its schema in, a MappingSpec out. Names are not looked at here."""

from collections.abc import Mapping

from engine.config.node import Node
from engine.model.project import (
    AppendSpec,
    Difference,
    FieldSpec,
    Find,
    Join,
    LedgerSpec,
    Linked,
    Manage,
    MappingSpec,
    PriceSpec,
    ProofSpec,
    Reference,
    Repeat,
    SourceSpec,
    TargetSpec,
    UnitsSpec,
    Value,
    WhenMissing,
    WriteBackSpec,
)

MONTHS = {"Monthly": 1, "Quarterly": 3, "Semi-Annual": 6, "Yearly": 12}
"""Months of the period types that Autotask ships with."""


def mapping_spec(node: Node) -> MappingSpec:
    """The whole mapping."""
    source, target = _source(node["source"]), _target(node["target"])
    title, tab = node.get("title"), node.get("tab")
    create, match = node.get("create"), node.get("match")
    missing, deactivate = node.get("when_missing"), node.get("deactivate")
    similar = node.get("similar")
    return MappingSpec(
        name=node["mapping"].data,
        title=title.data if title else f"{source.table} → {target.entity}",
        tab=tab.data if tab else "Other",
        source=source,
        target=target,
        fields=_fields(node["fields"]),
        place=node["mapping"].key_place,
        label=_value(node.get("label")),
        identity=_fields(node["identity"]) if "identity" in node else {},
        match=tuple(_fields(part) for part in match.parts()) if match else (),
        create=Value(create.data.strip(), create.place) if create else Value("auto", node["mapping"].place),
        deactivate=_values(deactivate) if deactivate else {},
        when_missing=WhenMissing(missing.data) if missing else WhenMissing.REPORT,
        repeat=_repeat(node["repeat"]) if "repeat" in node else None,
        ledger=_ledger(node["ledger"]) if "ledger" in node else None,
        append=_append(node["append"]) if "append" in node else None,
        write_back=_write_back(node["write_back"]) if "write_back" in node else None,
        similar=similar.texts() if similar else (),
    )


def _value(node: Node | None) -> Value | None:
    return node.value() if node else None


def _values(node: Node) -> Mapping[str, Value]:
    return {name: part.value() for name, part in node.items()}


def _source(node: Node) -> SourceSpec:
    joins, order = node.get("join"), node.get("order")
    return SourceSpec(
        table=node["table"].data,
        place=node["table"].place,
        where=_value(node.get("where")),
        joins={name: _join(name, part) for name, part in joins.items()} if joins else {},
        order=order.texts() if order else (),
    )


def _join(name: str, node: Node) -> Join:
    one = node.get("one")
    where = _value(node.get("where"))
    return Join(name, node["table"].data, dict(node["on"].data), node.key_place, where, bool(one and one.data))


def _target(node: Node) -> TargetSpec:
    where: dict[str, Value | Linked] = {}
    if "where" in node:
        for name, part in node["where"].items():
            where[name] = Linked(part["linked"].data, part["linked"].place) if "linked" in part else part.value()
    return TargetSpec(node["entity"].data, node["entity"].place, where)


def _fields(node: Node) -> Mapping[str, FieldSpec]:
    return {name: _field(name, part) for name, part in node.items()}


def _field(name: str, node: Node) -> FieldSpec:
    if not isinstance(node.data, dict):
        return FieldSpec(name, node.value(), node.key_place)
    manage, clear = node.get("manage"), node.get("clear")
    return FieldSpec(
        name=name,
        value=_field_value(node),
        place=node.key_place,
        manage=Manage(manage.data) if manage else Manage.ALWAYS,
        clear=bool(clear and clear.data),
    )


def _field_value(node: Node) -> Value | Reference | Find:
    if "ref" in node:
        return Reference(node["ref"].data, node["of"].value(), node["ref"].place)
    if "find" in node:
        return Find(node["find"].data, _values(node["where"]), node["find"].place)
    return node["value"].value()


def _repeat(node: Node) -> Repeat:
    return Repeat(node["when"].value(), node["by"].data, _values(node["set"]), node["by"].place)


def _ledger(node: Node) -> LedgerSpec:
    price, difference = node.get("price"), node.get("difference")
    return LedgerSpec(
        quantity=node["quantity"].value(),
        units=_units(node["units"]),
        pending=node["pending"].data,
        place=node.key_place,
        price=_price(price) if price else None,
        difference=Difference(difference.data) if difference else Difference.HOLD,
    )


def _units(node: Node) -> UnitsSpec:
    none, posted = node.get("none"), node.get("posted")
    return UnitsSpec(
        entity=node["entity"].data,
        on=_pair(node["on"]),
        value=node["value"].data,
        none=none.data if none else 0,
        posted=posted.data if posted else "",
        place=node.key_place,
    )


def _pair(node: Node) -> tuple[str, str]:
    """`on: {theirs: ours}`, of which there is one."""
    [(theirs, ours)] = node.data.items()
    return theirs, ours


def _price(node: Node) -> PriceSpec:
    value, per, months = node["value"], node["per"], node.get("months")
    return PriceSpec(
        values=value.texts() if isinstance(value.data, list) else (value.data,),
        per=f"{per.data['ref']}.{per.data['field']}" if isinstance(per.data, dict) else per.data,
        months=dict(months.data) if months else MONTHS,
        place=months.key_place if months else node.key_place,
    )


def _append(node: Node) -> AppendSpec:
    merge, proof = node["merge"], node["proof"]
    return AppendSpec(
        merge_on=merge["on"].texts(),
        merge_sum=merge["sum"].data,
        in_turn=node["in_turn"].data,
        once=node["once"].texts(),
        proof=ProofSpec(proof["entity"].data, _pair(proof["on"]), proof["rows"].texts(), proof.key_place),
        place=node.key_place,
    )


def _write_back(node: Node) -> WriteBackSpec:
    after = node.get("after")
    return WriteBackSpec(
        set=_values(node["set"]),
        place=node.key_place,
        when=_value(node.get("when")),
        after=after.data if after else "",
    )
