"""Builds the spec of a mapping from a document that is valid for its schema.

Names of tables, entities, fields and other mappings are not checked here, but in `checks/`.
"""

from collections.abc import Mapping

from trueup.config.node import Node
from trueup.model.mapping import (
    AppendSpec,
    Difference,
    FieldPair,
    FieldPath,
    FieldSpec,
    Find,
    Join,
    LedgerSpec,
    Linked,
    Manage,
    MappingSpec,
    MatchKey,
    PeriodsSpec,
    PolicyOverride,
    PolicyPart,
    PolicySpec,
    PriceSpec,
    ProofSpec,
    Reference,
    Repeat,
    SourceSpec,
    Strength,
    TargetSpec,
    UnitFields,
    UnitsSpec,
    Value,
    WhenMissing,
    WriteBackSpec,
)

MONTHS = {"Monthly": 1, "Quarterly": 3, "Semi-Annual": 6, "Yearly": 12}
"""The months of the period types that Autotask ships with, by their labels."""


_POLICY_PARTS = frozenset(map(str, PolicyPart))


def parse_mapping(node: Node) -> MappingSpec:
    """Returns the spec of the mapping, with the defaults for what the document does not state."""
    source, target = _source(node["source"]), _target(node["target"])
    title, tab = node.get("title"), node.get("tab")
    match, similar, evidence = node.get("match"), node.get("similar"), node.get("evidence")
    missing, deactivate = node.get("when_missing"), node.get("deactivate")
    customer, charges = node.get("customer"), node.get("charges")
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
        match=tuple(_match_key(part) for part in match.parts()) if match else (),
        create=_create(node),
        deactivate=_values(deactivate) if deactivate else {},
        when_missing=WhenMissing(missing.data) if missing else WhenMissing.REPORT,
        repeat=_repeat(node["repeat"]) if "repeat" in node else None,
        ledger=_ledger(node["ledger"]) if "ledger" in node else None,
        append=_append(node["append"]) if "append" in node else None,
        write_back=_write_back(node["write_back"]) if "write_back" in node else None,
        similar=similar.texts() if similar else (),
        evidence=evidence.texts() if evidence else (),
        policy=parse_policy(node["policy"]) if "policy" in node else None,
        charges=charges.texts() if charges else (),
        successor_of=_value(node.get("successor_of")),
        is_customer=bool(customer and customer.data),
        search=node["search"].texts() if "search" in node else (),
    )


def _create(node: Node) -> Value:
    create = node.get("create")
    if create is None:
        return Value("auto", node["mapping"].place)
    return Value(create.data.strip(), create.place)


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
    return Join(
        name=name,
        table=node["table"].data,
        on=dict(node["on"].data),
        place=node.key_place,
        where=_value(node.get("where")),
        one=bool(one and one.data),
    )


def _target(node: Node) -> TargetSpec:
    where: dict[str, Value | Linked] = {}
    if "where" in node:
        for name, part in node["where"].items():
            if "linked" in part:
                where[name] = Linked(part["linked"].data, part["linked"].place)
            else:
                where[name] = part.value()
    return TargetSpec(node["entity"].data, node["entity"].place, where)


def _fields(node: Node) -> Mapping[str, FieldSpec]:
    return {name: _field(name, part) for name, part in node.items()}


def _match_key(node: Node) -> MatchKey:
    """The fields alone, or the fields under `by` with their strength."""
    if "by" not in node:
        return MatchKey(_fields(node))
    strength = node.get("strength")
    return MatchKey(_fields(node["by"]), Strength(strength.data) if strength else Strength.NORMAL)


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
    price, periods = node.get("price"), node.get("periods")
    difference = node.get("difference")
    return LedgerSpec(
        quantity=node["quantity"].value(),
        units=_units(node["units"]),
        pending=node["pending"].data,
        place=node.key_place,
        price=_price(price) if price else None,
        periods=_periods(periods) if periods else None,
        difference=Difference(difference.data) if difference else Difference.HOLD,
    )


def _units(node: Node) -> UnitsSpec:
    posted = node.get("posted")
    return UnitsSpec(
        entity=node["entity"].data,
        on=_pair(node["on"]),
        value=node["value"].data,
        posted=posted.data if posted else "",
        place=node.key_place,
    )


def _pair(node: Node) -> FieldPair:
    """Returns the only pair of `on: {field of the other entity: field of the record}`."""
    [(row_field, record_field)] = node.data.items()
    return FieldPair(row_field, record_field)


def _price(node: Node) -> PriceSpec:
    value, per, months = node["value"], node["per"], node.get("months")
    is_list, is_reference = isinstance(value.data, list), isinstance(per.data, dict)
    return PriceSpec(
        values=tuple(map(FieldPath.parse, value.texts() if is_list else (value.data,))),
        per=FieldPath(per.data["ref"], per.data["field"])
        if is_reference
        else FieldPath.parse(per.data),
        months=dict(months.data) if months else MONTHS,
        place=months.key_place if months else node.key_place,
    )


def parse_policy(node: Node) -> PolicySpec:
    """Returns the policy of a mapping, or what a test has instead of it."""
    overrides = node.get("overrides")
    return PolicySpec(
        parts=_policy_parts(node),
        overrides=tuple(
            PolicyOverride(
                rows={
                    name: str(part.data)
                    for name, part in override.items()
                    if name not in _POLICY_PARTS
                },
                parts=_policy_parts(override),
                place=override.place,
            )
            for override in (overrides.parts() if overrides else ())
        ),
        place=node.key_place,
    )


def _policy_parts(node: Node) -> dict[PolicyPart, Value]:
    return {
        PolicyPart(name): (part["on"] if isinstance(part.data, dict) else part).value()
        for name, part in node.items()
        if name in _POLICY_PARTS
    }


def _periods(node: Node) -> PeriodsSpec:
    start, end = (FieldPath.parse(node[name].data) for name in ("start", "end"))
    return PeriodsSpec(start, end, node.key_place)


def _append(node: Node) -> AppendSpec | None:
    """Returns what is appended; None if a list lacks an item that the schema check removed."""
    merge, proof = node["merge"], node["proof"]
    merged_by, rows = merge["on"].texts(), proof["rows"].texts()
    once = node["once"].texts()
    if (len(merged_by), len(once), len(rows)) != (2, 2, len(UnitFields._fields)):
        return None
    service_field, day_field = merged_by
    return AppendSpec(
        service_field=service_field,
        day_field=day_field,
        units_field=merge["sum"].data,
        in_turn=node["in_turn"].data,
        once=once,
        proof=ProofSpec(
            entity=proof["entity"].data,
            on=_pair(proof["on"]),
            rows=UnitFields(*rows),
            place=proof.key_place,
        ),
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
