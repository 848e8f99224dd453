"""Plans of many rows, measured one case a process: `python -m tests.bench.plans CASE COUNT` prints a line of JSON.

Cases: `plain` (20 fields, no rules; stage by stage and whole), `shipped` and `shipped-rules` (the shipped
subscription mapping without and with its rules), `diffsync` (the same rows as `plain`, in that library).
"""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.expressions.compiled import Compiled
from engine.expressions.context import Context
from engine.model.catalogue import Catalogue, Column, Entity, Field, PickValue, Table, Type
from engine.model.document import dumps
from engine.model.finding import Place
from engine.model.plan import Action, Plan
from engine.model.project import (
    Connection,
    FieldSpec,
    Guards,
    MappingSpec,
    Project,
    RuleOn,
    SourceSpec,
    TargetSpec,
    Value,
)
from engine.model.run import Link
from engine.pipeline import plan
from engine.ports import World
from engine.stages.diff import differing, updates
from engine.stages.match import Known, match
from engine.stages.transform import transform
from engine.wiring import SystemClock, load_project, shipped
from tests.bench.data import COLUMNS, GivenSource, GivenState, GivenTarget, changed, rows

_HERE = Place("bench.yaml", 1, 1)
_KINDS = [Type.TEXT, Type.INTEGER, Type.DECIMAL, Type.DAY]
_UNLIMITED = Guards({}, {}, {}, Decimal(10**12), 10**12)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long it takes, and what it gives."""
    gc.collect()
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def plain(count: int) -> dict[str, float]:
    """20 fields, no rules: each stage on its own, then the whole."""
    project, entity = _plain_project()
    made = rows(count)
    source, target = changed(made)
    ids = {row["id"]: number for number, row in enumerate(made, start=1)}
    records = [{**row, "id": ids[row["id"]]} for row in target]
    links = [Link("thing", row["id"], "Things", ids[row["id"]], "given") for row in target]
    figures = _stages(project, entity, source, records, links)
    world = World(
        GivenSource({"subscription": source}),
        GivenTarget({"Things": entity}, {"Things": records}),
        GivenState(links),
        SystemClock(),
    )  # type: ignore[arg-type] # a plan asks no more of them
    before = peak()
    figures["plan"], _ = seconds(lambda: dumps(plan(project, world)))
    return {**figures, "plan_mb": peak() - before}


def _plain_project() -> tuple[Project, Entity]:
    names = {name: _KINDS[place % 4] for place, name in enumerate(COLUMNS)}
    columns = {"id": Column("id", Type.TEXT, "id"), **{name: Column(name, kind, name) for name, kind in names.items()}}
    table = Table("subscription", "s", "s", "S", "id", "id", columns)
    fields = {
        "id": Field("id", Type.INTEGER, readonly=True),
        **{name: Field(name, kind) for name, kind in names.items()},
    }
    entity = Entity("Things", frozenset({"create", "query", "update"}), fields)
    specs = {name: FieldSpec(name, Value(f"{{{{ source.{name} }}}}", _HERE), _HERE) for name in COLUMNS}
    source, target = SourceSpec("subscription", _HERE), TargetSpec("Things", _HERE)
    mapping = MappingSpec("thing", "Thing", "Products", source, target, specs, _HERE)
    nothing = Connection("none", {}, _HERE)
    project = Project(
        "/",
        "bench",
        nothing,
        nothing,
        nothing,
        ZoneInfo("UTC"),
        {},
        _UNLIMITED,
        {"thing": mapping},
        (),
        {},
        Catalogue({"subscription": table}, {"Things": entity}),
        "digest",
        as_of=date(2026, 11, 15),
    )
    return project, entity


def _stages(
    project: Project, entity: Entity, source: list[Any], records: list[Any], links: list[Link]
) -> dict[str, float]:
    mapping = project.mappings["thing"]
    compiled = Compiled(mapping, entity, ())
    context = Context(mapping, {"subscription": source}, {}, {})
    figures: dict[str, float] = {}
    figures["transform"], (standing, _) = seconds(lambda: transform(compiled, source, context, "id"))
    standing.records = {record["id"]: record for record in records}
    by_key = {link.key: link.record for link in links}
    known = Known(by_key, {}, date(2026, 11, 15), lambda key: {"source": standing.rows[key]}, str, lambda *_: None)
    figures["match"], _ = seconds(lambda: match(standing, known))
    before = peak()

    def diff() -> int:
        pairs = [
            (key, [*raw], standing.records[standing.ids[key]])
            for key, raw in standing.ready.items()
            if key in standing.ids
        ]
        found = differing(pairs, COLUMNS)
        slots = compiled.slots
        return sum(
            len(
                updates(
                    slots, dict(zip(COLUMNS, standing.ready[key], strict=True)), standing.records[standing.ids[key]]
                )[0]
            )
            for key in found
        )

    figures["diff"], figures["changed"] = seconds(diff)
    return {**figures, "diff_mb": peak() - before}


def shipped_plan(count: int, *, rules: bool) -> dict[str, float]:
    """The shipped subscription mapping with the mappings that it refers to, all of it linked; rules on or off."""
    project = load_project(shipped())
    names = ("service", "customer", "contract", "subscription")
    project = replace(
        project,
        mappings={name: project.mappings[name] for name in project.mappings if name in names},
        rules=tuple(
            rule for rule in project.rules if rules and rule.for_ == "subscription" and rule.on is not RuleOn.LEDGER
        ),
        guards=_UNLIMITED,
    )
    tables, records, links = _tenant(count)
    given = json.loads((shipped() / "examples" / "autotask.json").read_text(encoding="utf-8"))
    entities = {
        name: _known(entity, given["picklists"].get(name, {})) for name, entity in project.catalogue.entities.items()
    }
    for name in ("BillingCodes", "Resources", "Countries", "Currencies"):
        records[name] = [_open(record) for record in given["records"][name]]
    world = World(GivenSource(tables), GivenTarget(entities, records), GivenState(links), SystemClock())  # type: ignore[arg-type] # as above
    _align(plan(project, world), records)
    before = peak()
    taken, made = seconds(lambda: plan(project, world))
    dumped, _ = seconds(lambda: dumps(made))
    wrong = [one for one in made.blocked if not one.because]
    if wrong:
        raise SystemExit(f"the bench's subscriptions are not sound: {wrong[0]}")
    return {"plan": taken + dumped, "plan_mb": peak() - before, "changes": len(made.changes)}


def _align(first: Plan, records: dict[str, list[Any]]) -> None:
    """Everything but subscriptions as the plan wants it, and every hundredth subscription edited in Autotask."""
    by_id = {(name, record["id"]): record for name, found in records.items() for record in found}
    for change in first.changes:
        if change.action is Action.UPDATE:
            by_id[change.entity, change.record].update(change.values)
    for number, record in enumerate(records["ContractServices"]):
        if number % 100 == 7:
            record["internalDescription"] = "edited"


def _known(entity: Entity, picklists: dict[str, Any]) -> Entity:
    """With picklists as a tenant has them."""
    said = {name: tuple(PickValue(one["value"], one["label"]) for one in found) for name, found in picklists.items()}
    fields = {
        name: replace(field, picklist=said[name]) if name in said else field for name, field in entity.fields.items()
    }
    return replace(entity, fields=fields)


def _tenant(count: int) -> tuple[dict[str, list[Any]], dict[str, list[Any]], list[Link]]:
    """As many subscriptions, a hundred to a contract of their own; each sound, each linked, one log each."""
    contracts = max(1, count // 100)
    tables: dict[str, list[Any]] = {
        name: [] for name in ("account", "contact", "product", "billing_contract", "subscription", "license_change")
    }
    records: dict[str, list[Any]] = {"Companies": [], "Services": [], "Contracts": [], "ContractServices": []}
    links: list[Link] = []
    for number in range(100):
        tables["product"].append(_product(number))
        records["Services"].append({"id": 500 + number, "periodType": 2, "unitPrice": Decimal(10), "isActive": True})
        links.append(Link("service", f"p{number}", "Services", 500 + number, "given"))
    for number in range(contracts):
        tables["account"].append(_account(number))
        tables["billing_contract"].append(_contract(number))
        records["Companies"].append({"id": 10_000 + number})
        records["Contracts"].append(
            {
                "id": 500_000 + number,
                "companyID": 10_000 + number,
                "endDate": date(2029, 1, 1),
                "startDate": date(2024, 1, 1),
            }
        )
        links.append(Link("customer", f"a{number}", "Companies", 10_000 + number, "given"))
        links.append(Link("contract", f"c{number}", "Contracts", 500_000 + number, "given"))
    for number in range(count):
        row = _subscription(number, contracts)
        tables["subscription"].append(row)
        tables["license_change"].append(_log(number))
        records["ContractServices"].append(
            {
                "id": 2_000_000 + number,
                "contractID": 500_000 + int(row["contract"][1:]),
                "serviceID": 500 + int(row["product"][1:]),
                "internalDescription": f"W365 {row['id']}",
            }
        )
        if number % 200 != 1:
            links.append(Link("subscription", row["id"], "ContractServices", 2_000_000 + number, "given"))
    tables["subscription"] = [row for number, row in enumerate(tables["subscription"]) if number % 200 != 101]
    return tables, {name: [_open(record) for record in found] for name, found in records.items()}, links


class _Open(dict[str, Any]):
    """A record that has nothing in the fields that are not given."""

    def __missing__(self, _name: str) -> None:
        return None


def _open(record: dict[str, Any]) -> dict[str, Any]:
    return _Open(record)


def _filled(**values: Any) -> dict[str, Any]:
    return _Open(values)


def _product(number: int) -> dict[str, Any]:
    return _filled(
        id=f"p{number}",
        name=f"Product {number}",
        part_number=f"P{number}",
        billing_type="License",
        unit="Monthly",
        price=Decimal(10),
        state="Active",
        structure="Product",
    )


def _account(number: int) -> dict[str, Any]:
    return _filled(
        id=f"a{number}",
        name=f"Account {number}",
        number=f"A-{number}",
        phone="+44 20 7946 0958",
        country="GB",
        state="Active",
        currency="GBP",
    )


def _contract(number: int) -> dict[str, Any]:
    return _filled(
        id=f"c{number}",
        name=f"Contract {number}",
        number=f"BC-{number}",
        customer=f"a{number}",
        type="Recurring",
        billing_frequency="Monthly",
        start_date=date(2024, 1, 1),
        end_date=date(2029, 1, 1),
        currency="GBP",
        state="Active",
    )


def _subscription(number: int, contracts: int) -> dict[str, Any]:
    contract = (number // 100) % contracts
    return _filled(
        id=f"s{number:08}",
        name=f"Subscription {number}",
        friendly_name=f"Subscription {number}",
        customer=f"a{contract}",
        contract=f"c{contract}",
        product=f"p{number % 100}",
        type="License",
        quantity=Decimal(5),
        billable=True,
        is_trial=False,
        effective_start=date(2024, 2, 1),
        unit="Monthly",
        currency="GBP",
        state="Active",
        status="Active",
        psa_system_id="1",
    )


def _log(number: int) -> dict[str, Any]:
    return _filled(
        id=f"l{number:08}",
        subscription=f"s{number:08}",
        quantity=Decimal(5),
        effective_date=date(2024, 2, 1),
        status="Archived",
        unit="Monthly",
    )


def in_diffsync(count: int) -> dict[str, float]:
    """The same rows, in diffsync: its diff of two adapters, loading left out."""
    from diffsync import Adapter, DiffSyncModel  # noqa: PLC0415 -- the peer, only here

    kinds = {"text": str, "integer": int, "decimal": Decimal, "day": date}
    body = {
        "_modelname": "thing",
        "_identifiers": ("id",),
        "_attributes": tuple(COLUMNS),
        "__annotations__": {"id": str},
    }
    body["__annotations__"].update({name: kinds[str(_KINDS[place % 4])] for place, name in enumerate(COLUMNS)})  # type: ignore[attr-defined]
    thing = type("Thing", (DiffSyncModel,), body)
    adapter = type("Side", (Adapter,), {"thing": thing, "top_level": ["thing"]})
    source, target = changed(rows(count))
    left, right = adapter(), adapter()
    for side, given in ((left, source), (right, target)):
        for row in given:
            side.add(thing(**row))
    before = peak()
    taken, _ = seconds(lambda: right.diff_from(left))
    return {"diff": taken, "diff_mb": peak() - before}


def peak() -> float:
    """Peak memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """One case."""
    import logging  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    case, count = sys.argv[1], int(sys.argv[2])
    if case == "diffsync":
        import structlog  # noqa: PLC0415

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        figures = in_diffsync(count)
    elif case == "plain":
        figures = plain(count)
    else:
        figures = shipped_plan(count, rules=case == "shipped-rules")
    figures["peak_mb"] = peak()
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
