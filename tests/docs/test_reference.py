"""Hand-written tables of the reference name what the code has: no more, and no less."""

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import get_args, get_type_hints

import click
import pytest
import trueup
from msgspec import Struct
from trueup.cli.exit_codes import Exit
from trueup.cli.validate import validate
from trueup.config.documents import LARGEST_FILE
from trueup.errors import EngineError
from trueup.model.change import Action, MadeRecord, Reason, RowRef, ServiceTerms, UnitRow, Unknown
from trueup.model.decision_effect import Standing
from trueup.model.finding import Place, Severity
from trueup.model.mapping import Difference, PolicyPart, Value
from trueup.model.notice import Event
from trueup.model.outcome import ChangeStatus
from trueup.model.plan import FORMAT, GoneRows, HeldUnits, LedgerClass, Plan
from trueup.model.project import Guards
from trueup.model.response_body import LARGEST_BODY
from trueup.model.run import Step
from trueup.planning.ledger.policies import _resolved
from trueup.sandbox.autotask import control as autotask
from trueup.sandbox.autotask.responses import ERROR_STYLE
from trueup.sandbox.dataverse import control as dataverse
from trueup.sandbox.dataverse.faults import OWN
from trueup.sandbox.http.control import common_actions
from trueup.sandbox.http.fault import SETTABLE
from trueup.source import profile
from trueup.source.files.csv_document import LONGEST_CELL
from trueup.source.values import LONGEST_KEY, LONGEST_NUMBER, LONGEST_NUMERAL, LONGEST_TEXT
from trueup.stages import billing
from trueup.stages.guard import LIMIT_KINDS
from trueup.stages.ledger import PendingUnits, ServiceLedger, compare, complete

from tests.docs.generated import COMMON, key_paths, schema
from tests.docs.pages import named, page
from tests.docs.project import load
from tests.support.paths import ROOT

DOCUMENT = page("reference/plan-document.md")
CONFIGURATION = page("reference/configuration.md")
STATE = page("reference/state.md")
GLOSSARY = page("glossary.md")
PYTHON = page("reference/python.md")
SANDBOX = page("reference/sandbox.md")
PLACE = Place("")


# The Python API


def test_the_page_names_the_types_that_are_no_structs():
    stated = re.search(r"^(.+?) are named tuples\.", PYTHON.section("Types"), re.MULTILINE)
    types = [one for name in trueup.__all__ if isinstance(one := getattr(trueup, name), type)]
    others = [
        one.__name__
        for one in types
        if not issubclass(one, StrEnum | EngineError)
        and not (issubclass(one, Struct) and one.__struct_config__.frozen)
    ]

    assert sorted(others) == named(stated[1])


# The glossary


def test_the_standing_of_a_decision_has_the_values_that_json_has():
    (row,) = re.findall(r"^\| standing \|.*$", GLOSSARY.text, re.MULTILINE)

    assert re.findall(r"`(\w+)`:", row) == list(Standing)


# The plan document


def structs_in(kind, found):
    """All structs that a plan consists of."""
    is_struct = isinstance(kind, type) and issubclass(kind, Struct)
    if is_struct and kind not in (Place, Unknown) and kind not in found:
        found.append(kind)
        for hint in get_type_hints(kind).values():
            structs_in(hint, found)
    for part in get_args(kind):
        structs_in(part, found)
    return found


@pytest.mark.parametrize("kind", structs_in(Plan, []), ids=lambda kind: kind.__name__)
def test_the_fields_of_each_part_of_a_plan_are_described(kind):
    described = [name for row in DOCUMENT.table(kind.__name__) for name in named(row[0])]

    own = ["format", "digest"] if kind is Plan else []
    assert sorted(described) == sorted([*own, *kind.__struct_fields__])


@pytest.mark.parametrize("kind", [MadeRecord, GoneRows])
def test_the_entries_of_arrays_are_described(kind):
    text = DOCUMENT.section(kind.__name__)

    assert named(text) == [*kind._fields]


@pytest.mark.parametrize(
    ("section", "field", "kind"),
    [
        ("Change", "action", Action),
        ("FieldChange", "reason", Reason),
        ("LedgerLine", "class_", LedgerClass),
        ("Finding", "severity", Severity),
    ],
)
def test_the_words_of_a_field_are_described(section, field, kind):
    [row] = [row for row in DOCUMENT.table(section) if named(row[0]) == [field]]

    assert named(row[1]) == [str(word) for word in kind]


def test_the_format_is_named():
    assert f"This is format {FORMAT}." in DOCUMENT.text
    assert f"Plan documents have format {FORMAT}." in page("../CHANGELOG.md").text


# Configuration


def test_every_guard_is_described():
    described = [named(row[0])[0] for row in CONFIGURATION.table("Guards")]

    assert described == [*Guards.__struct_fields__, "rule:NAME"]
    assert {name.partition(":")[0] for name in described} == {*LIMIT_KINDS}


@pytest.mark.parametrize("name", ["project", "mapping", "rules", "decisions", "notes"])
def test_every_key_of_a_schema_is_listed(name):
    listed = {path.rpartition(".")[2].removesuffix("[]") for path in key_paths(name)}
    field = {*schema("mapping")["$defs"]["field"]["properties"]}

    assert keys_in(schema(name)) - listed <= field


def keys_in(node):
    """All names of properties in a schema."""
    if isinstance(node, list):
        return {key for item in node for key in keys_in(item)}
    if not isinstance(node, dict):
        return set()
    own = node.get("properties", {})
    found = set(own) if isinstance(own, dict) else set()
    return found | {key for value in node.values() for key in keys_in(value)}


EXAMPLES = CONFIGURATION.table("Policies")
TERMS = ServiceTerms(Decimal(10), 1, date(2026, 1, 1), date(2027, 12, 31), date(2027, 12, 31))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda row: f"{row[0]} {row[1]}")
def test_a_policy_bills_what_its_example_shows(example):
    policy = policy_of(load(named(example[0])[0]))
    before, after = map(Decimal, example[1].split(" → "))
    change = PendingUnits("change", date.fromisoformat(example[2]), after - before)

    [billed] = policy.billed([change], after, TERMS, {})

    is_above = policy.ceiling is not None and after > policy.ceiling and billed.units > 0
    if billed.needs_day or is_above:
        assert example[3].startswith("held: ")
    else:
        assert example[3] == f"{billed.units:+f} from {billed.day}"


def policy_of(document):
    parts = {
        PolicyPart(key): Value(value["on"] if isinstance(value, dict) else value, PLACE)
        for key, value in document.items()
    }
    return _resolved(parts, {})


def test_every_part_of_a_policy_has_an_example():
    shown = {key for row in EXAMPLES for key in load(named(row[0])[0])}

    assert shown | {PolicyPart.REFUND} == {*PolicyPart}


# The ledger


def test_the_example_of_money_is_computed_as_it_is_shown():
    text = page("explanation/ledger.md").section("Money")
    day, as_of = date(2026, 11, 10), date(2026, 11, 15)

    effect = billing.invoice_effect(13 - 10, day, TERMS, None, as_of)

    assert (effect.amount, TERMS.monthly * 3) == (21, 30)
    assert "Run rate +£30." in text
    assert "= +£21." in text


def test_the_example_of_the_five_parts_is_computed_as_it_is_shown():
    text = " ".join(page("explanation/ledger.md").section("The five parts").split())
    row = RowRef("subscription", "S-1", "Alpine Dental AG")
    rows = (UnitRow(1, date(2026, 1, 1), date(2026, 12, 31), 12),)
    pending = (PendingUnits("change", date(2026, 11, 10), Decimal(3), stopped=True),)
    ledger = ServiceLedger(row, 1, quantity=Decimal(13), rows=rows, changes=pending, terms=TERMS)
    held = HeldUnits(Decimal(3), "ledger-differs", "", ("change",), row)

    line = compare(ledger, date(2026, 11, 15), Difference.HOLD).line
    line = complete(line, 0, [held])

    assert line.quantity - line.units == 1
    assert (line.moved, line.held_units, line.unexplained) == (0, 3, -2)
    assert line.class_ is LedgerClass.UNDER_BILLED
    assert "Billed now: 1 too little. Moved: 0. Held: +3. Unexplained: -2" in text


def test_the_keys_of_a_profile_are_described():
    text = page("how-to/connect-dataverse.md").section("3. Discover the names")

    assert {*profile._TABLE_KEYS, *profile._COLUMN_KEYS} <= {*named(text), "columns"}


# State and commands


@pytest.mark.parametrize(
    ("title", "kind"), [("Steps of the journal", Step), ("Statuses of a change", ChangeStatus)]
)
def test_the_words_of_a_run_are_described(title, kind):
    described = [named(row[0])[0] for row in STATE.table(title)]

    assert sorted(described) == sorted(str(word) for word in kind)


def test_the_tables_of_a_state_are_described():
    migrations = ROOT / "engine/trueup/state/sqlite/sql/migrations"
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(migrations.glob("*.sql")))

    described = {named(row[0])[0] for row in STATE.table("What it holds")}

    assert described == {*re.findall(r"CREATE TABLE (\w+)", text)}


def test_the_events_of_notices_are_described():
    rows = page("how-to/get-notices.md").table("Events")

    assert [named(row[0])[0] for row in rows] == [str(event) for event in Event]


def test_the_exit_codes_are_described():
    rows = page("reference/commands.md").table("Exit codes")

    assert [(int(row[0]), row[1]) for row in rows] == [
        (int(code), code.name.lower()) for code in Exit
    ]


def test_the_options_of_every_command_are_described_as_in_its_help():
    rows = page("reference/commands.md").table("Options of every command")
    described = {", ".join(named(row[0])): row[1] for row in rows}

    context = click.Context(validate)
    options = [one for one in validate.params if {*COMMON}.intersection(one.opts)]
    helped = dict(one.get_help_record(context) for one in options)
    assert described.keys() == {*helped, "--tenant NAME", "-h, --help"}
    assert {name: described[name] for name in helped} == helped


# The sandboxes


def routes(title):
    return {tuple(named(row[0])[0].split(" /sandbox")) for row in SANDBOX.table(title)}


def actions(module):
    return {(verb, f"/{name}") for verb, name in module._ACTIONS}


def test_the_control_routes_are_described():
    common = {("GET", "")} | {(verb, f"/{name}") for verb, name in common_actions(None, None)}
    both = actions(autotask) & actions(dataverse)

    assert routes("Both sandboxes") == common | both
    assert routes("Autotask") == actions(autotask) - both
    assert routes("Dataverse") == actions(dataverse) - both


def test_the_faults_are_described():
    tables = SANDBOX.section("Faults").split("| option |")
    kinds = re.findall(r"^\| `(\w+)` \|", tables[0], re.MULTILINE)
    options = re.findall(r"^\| (`.+?`) \|", tables[1], re.MULTILINE)

    assert sorted(kinds) == sorted([*ERROR_STYLE.kinds, *OWN])
    assert sorted(name for cell in options for name in named(cell)) == sorted(SETTABLE)


def test_the_limits_of_values_are_those_of_the_code():
    section = CONFIGURATION.section("Limits of values")

    stated = re.findall(r"([0-9][0-9,]*)\s(characters|digits|bytes)", section)

    assert stated == [
        (f"{LONGEST_TEXT:,}", "characters"),
        (f"{LONGEST_KEY:,}", "characters"),
        (f"{LONGEST_NUMERAL:,}", "characters"),
        (f"{LONGEST_NUMBER:,}", "digits"),
        (f"{LONGEST_CELL:,}", "characters"),
        (f"{LARGEST_FILE:,}", "bytes"),
        (f"{LARGEST_BODY:,}", "bytes"),
    ]
