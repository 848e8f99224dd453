"""Measures plans of many rows: `python -m tests.bench.plans CASE COUNT` prints a line of JSON.

Cases: `plain` (20 fields, no rules, each stage and the whole plan), `shipped` and `shipped-rules`
(the shipped subscription mapping without and with its rules), `diffsync` (the rows of `plain` in
that library). Each case runs in a process of its own, so that its peak memory is its own.

Times are CPU times. Libraries that are loaded on first use are loaded before: `start.py` measures
what they cost.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import deepdiff  # noqa: F401
import phonenumbers  # noqa: F401
from msgspec.structs import replace
from trueup.expressions.compiled import Compiled
from trueup.expressions.namespace import Namespace
from trueup.model.catalogue import Catalogue, Column, Entity, Field, PickValue, Table, Type
from trueup.model.change import Action
from trueup.model.document import dumps
from trueup.model.finding import Place
from trueup.model.mapping import FieldSpec, MappingSpec, SourceSpec, TargetSpec, Value
from trueup.model.plan import Plan
from trueup.model.project import Connection, Guards, Project
from trueup.model.rule_scopes import RuleOn
from trueup.model.run import Link
from trueup.operations.project import load_project
from trueup.operations.project_folder import shipped_folder as shipped
from trueup.pipeline import plan
from trueup.stages.diff import differing, display_text, updates
from trueup.stages.match import MatchInputs, match
from trueup.stages.transform import transform

from tests.bench.adapters import LoadedSource, LoadedState, LoadedTarget, loaded_world
from tests.bench.measuring import cpu_seconds, peak_memory
from tests.bench.plain_rows import COLUMNS, column_types, plain_rows, sides
from tests.bench.subscriptions import subscriptions

_PLACE = Place("bench.yaml", 1, 1)
_AS_OF = date(2026, 11, 15)
_UNLIMITED = Guards(
    creates={},
    deactivations={},
    share_changed={},
    adjustments={},
    rows_gone={},
    monthly_effect=Decimal(10**12),
    one_off_effect=Decimal(10**12),
    calls=10**12,
)
_MAPPINGS = ("service", "customer", "contract", "subscription")
_REFERENCE_DATA = ("BillingCodes", "Resources", "Countries", "Currencies")


def plain(count: int) -> dict[str, float]:
    """Measures 20 fields without rules: each stage, then the whole plan."""
    project, entity = _plain_project()
    rows = plain_rows(count)
    source, target = sides(rows)
    ids = {row["id"]: number for number, row in enumerate(rows, start=1)}
    records = [{**row, "id": ids[row["id"]]} for row in target]
    links = [Link("thing", row["id"], "Things", ids[row["id"]], "given") for row in target]

    figures = _stages(project, entity, source, records, links)
    world = loaded_world(
        LoadedSource({"subscription": source}),
        LoadedTarget({"Things": entity}, {"Things": records}),
        LoadedState(links),
    )
    before = peak_memory()
    figures["plan"], _ = cpu_seconds(lambda: dumps(plan(project, world)))
    return {**figures, "plan_mb": peak_memory() - before}


def shipped_plan(count: int, *, rules: bool) -> dict[str, float]:
    """Measures the shipped subscription mapping, with or without its rules; all rows are linked."""
    project, data = shipped_project(rules=rules), subscriptions(count)
    entities = with_reference_data(project, data.records)
    world = loaded_world(
        LoadedSource(data.tables), LoadedTarget(entities, data.records), LoadedState(data.links)
    )
    _align(plan(project, world), data.records)

    before = peak_memory()
    planning, made = cpu_seconds(lambda: plan(project, world))
    writing, _ = cpu_seconds(lambda: dumps(made))
    unsound = [blocked for blocked in made.blocked if not blocked.because]
    if unsound:
        raise SystemExit(f"a subscription of the benchmark is not sound: {unsound[0]}")
    return {
        "plan": planning + writing,
        "plan_mb": peak_memory() - before,
        "changes": len(made.changes),
    }


def shipped_project(*, rules: bool) -> Project:
    """Returns the shipped project without license changes, with the rules on subscriptions."""
    project = load_project(shipped())
    return replace(
        project,
        mappings={name: project.mappings[name] for name in project.mappings if name in _MAPPINGS},
        rules=tuple(
            rule
            for rule in project.rules
            if rules and rule.for_ == "subscription" and rule.on is not RuleOn.LEDGER
        ),
        guards=_UNLIMITED,
    )


def with_reference_data(project: Project, records: dict[str, list[Any]]) -> dict[str, Entity]:
    """Adds the example's reference data to the records; returns its entities, with picklists."""
    seed = json.loads((shipped() / "examples" / "autotask.json").read_text(encoding="utf-8"))
    for name in _REFERENCE_DATA:
        records[name] = seed["records"][name]
    return {
        name: _with_picklists(entity, seed["picklists"].get(name, {}))
        for name, entity in project.catalogue.entities.items()
    }


def _plain_project() -> tuple[Project, Entity]:
    types = column_types()
    columns = {name: Column(name, kind, name) for name, kind in types.items()}
    key = {"id": Column("id", Type.TEXT, "id")}
    table = Table("subscription", "s", "s", "S", "id", "id", {**key, **columns})

    fields = {name: Field(name, kind) for name, kind in types.items()}
    id_field = {"id": Field("id", Type.INTEGER, readonly=True)}
    entity = Entity("Things", frozenset({"create", "query", "update"}), {**id_field, **fields})

    specs = {
        name: FieldSpec(name, Value(f"{{{{ source.{name} }}}}", _PLACE), _PLACE) for name in COLUMNS
    }
    source, target = SourceSpec("subscription", _PLACE), TargetSpec("Things", _PLACE)
    mapping = MappingSpec("thing", "Thing", "Products", source, target, specs, _PLACE)
    nothing = Connection("none", {}, _PLACE)
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
        (),
        Catalogue({"subscription": table}, {"Things": entity}),
        "digest",
        as_of=_AS_OF,
    )
    return project, entity


def _stages(
    project: Project,
    entity: Entity,
    source: Sequence[Any],
    records: Sequence[Any],
    links: Sequence[Link],
) -> dict[str, float]:
    mapping = project.mappings["thing"]
    compiled = Compiled(mapping, entity, ())
    namespace = Namespace(mapping, {"subscription": source}, {}, {})
    figures: dict[str, float] = {}

    figures["transform"], (state, _) = cpu_seconds(
        lambda: transform(compiled, source, namespace, "id")
    )
    state.records = {record["id"]: record for record in records}

    inputs = MatchInputs(
        links={link.key: link.record for link in links},
        decisions={},
        as_of=_AS_OF,
        names=lambda key: {"source": state.rows[key]},
        label=str,
        values=lambda *_: None,
    )
    figures["match"], matched = cpu_seconds(lambda: match(state, inputs))
    matched.apply_to(state)

    def diff() -> int:
        pairs = [
            (key, [*values], state.records[state.record_ids[key]])
            for key, values in state.ready.items()
            if key in state.record_ids
        ]
        writes = 0
        for key in differing(pairs, COLUMNS):
            desired = dict(zip(COLUMNS, state.ready[key], strict=True))
            record = state.records[state.record_ids[key]]
            writes += len(updates(compiled.slots, desired, record, display_text)[0])
        return writes

    before = peak_memory()
    figures["diff"], figures["changed"] = cpu_seconds(diff)
    return {**figures, "diff_mb": peak_memory() - before}


def _align(first: Plan, records: Mapping[str, list[Any]]) -> None:
    """Applies a first plan's updates to the records, and edits each hundredth subscription."""
    by_id = {(name, record["id"]): record for name, listed in records.items() for record in listed}
    for change in first.changes:
        if change.action is Action.UPDATE:
            by_id[change.entity, change.record].update(change.values)
    for number, record in enumerate(records["ContractServices"]):
        if number % 100 == 7:
            record["internalDescription"] = "edited"


def _with_picklists(entity: Entity, picklists: Mapping[str, Any]) -> Entity:
    fields = dict(entity.fields)
    for name, values in picklists.items():
        if name in fields:
            picks = tuple(PickValue(value["value"], value["label"]) for value in values)
            fields[name] = replace(fields[name], picklist=picks)
    return replace(entity, fields=fields)


def run(case: str, count: int) -> dict[str, float]:
    """Runs one case; returns its figures: seconds by stage, memory in MB."""
    if case == "diffsync":
        from tests.bench.peer import diff_by_peer  # noqa: PLC0415 -- its memory is not ours

        figures = diff_by_peer(count)
    elif case == "plain":
        figures = plain(count)
    else:
        figures = shipped_plan(count, rules=case == "shipped-rules")
    return {**figures, "peak_mb": peak_memory()}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.stdout.write(json.dumps(run(sys.argv[1], int(sys.argv[2]))) + "\n")
