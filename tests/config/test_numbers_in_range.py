"""Numbers and days that nothing can be reckoned with are refused, at their place."""

import json
from datetime import date

import click
import pytest
from trueup.cli.parameters import PLAN_DAY
from trueup.config.documents import parse
from trueup.config.schema import Schemas
from trueup.errors import EngineError
from trueup.model.days import LAST_YEAR
from trueup.operations.project import check_project
from trueup.pipeline import PlanOptions

from tests.support.paths import SCHEMAS
from tests.support.small_project import FILES, write

HUGE = "999999999999999999999999999999"  # the longest number that YAML gives
AMOUNT = 10**15
DATAVERSE = "source: {connector: dataverse, url: u, tenant: t, client_id: c, client_secret: s, "
AUTOTASK = "target: {connector: autotask, username: u, secret: s, integration_code: i, "
SANDBOX = "target: {connector: sandbox, database: d, "

CASES = [
    ("project", "settle_after: %", 604800),
    ("project", DATAVERSE + "timeout: %}", 86400),
    ("project", DATAVERSE + "deadline: %}", 86400),
    ("project", DATAVERSE + "refresh_after: %}", 3650),
    ("project", AUTOTASK + "timeout: %}", 86400),
    ("project", AUTOTASK + "deadline: %}", 86400),
    ("project", SANDBOX + "timeout: %}", 86400),
    ("project", SANDBOX + "deadline: %}", 86400),
    ("project", "guards: {monthly_effect: %}", AMOUNT),
    ("project", "guards: {one_off_effect: %}", AMOUNT),
    ("project", "notify: {leak_above: %}", AMOUNT),
    ("project", "approval: {above: %}", AMOUNT),
    ("project", "approval: {second_above: %}", AMOUNT),
    ("project", "approval: {limits: {decide: %}}", AMOUNT),
    ("project", "approval: {limits: {approve: %}}", AMOUNT),
    ("project", "approval: {limits: {administer: %}}", AMOUNT),
    ("project", "settings: {setup_fee: %}", AMOUNT),
    ("fleet", "tenants: {a: {run: {do: apply, within: {monthly_effect: %}}}}", AMOUNT),
    ("fleet", "tenants: {a: {run: {do: apply, within: {one_off_effect: %}}}}", AMOUNT),
    ("fleet", "tenants: {a: {time_limit: %}}", 604800),
    ("mapping", "ledger: {price: {months: {Century: %}}}", 1200),
    ("test", "target: {units: {mail: %}}", 10**9),
    ("test", "target: {units: {mail: {2026-01-01: %}}}", 10**9),
    ("test", "then: [{entered: {mail: {2026-01-01: %}}}]", 10**9),
    ("test", "expect: {after_apply: {units: {mail: {2026-01-01: %}}}}", 10**9),
    ("test", "guards: {monthly_effect: %}", AMOUNT),
    *(
        ("test", f"expect: {{ledger: {{mail: {{{part}: %}}}}}}", AMOUNT)
        for part in ("price", "monthly")
    ),
    *(
        ("test", f"expect: {{money: {{{part}: %}}}}", AMOUNT)
        for part in ("invoice", "run_rate", "one_off", "lost", "credit")
    ),
    ("test", "expect: {money: {held: {some-code: %}}}", AMOUNT),
]

DAYS = [
    ("project", "as_of: %"),
    ("test", "as_of: %"),
    ("test", "then: [{as_of: %}]"),
    ("test_defaults", "as_of: %"),
]


@pytest.fixture(scope="module")
def schemas():
    return Schemas(SCHEMAS)


def messages(schemas, kind, text):
    """What the schema says about a document; parts that are missing do not matter."""
    documents, unreadable = parse(f"{text}\n".encode(), "file.yaml")
    assert not unreadable
    found = schemas.check(documents[0], kind).findings
    return [f"{one.place}: {one.text}" for one in found]


@pytest.mark.parametrize(("kind", "text", "most"), CASES)
def test_a_number_out_of_all_range_is_refused_at_its_place(schemas, kind, text, most):
    place = f"file.yaml:1:{text.index('%') + 1}"

    found = messages(schemas, kind, text.replace("%", HUGE))

    assert f"{place}: {HUGE} is more than {most}" in found
    allowed = messages(schemas, kind, text.replace("%", str(most)))
    assert not [one for one in allowed if "more than" in one]


@pytest.mark.parametrize("quoted", ["", '"'])
@pytest.mark.parametrize(("kind", "text"), DAYS)
def test_a_day_at_the_end_of_the_calendar_is_refused_at_its_place(schemas, kind, text, quoted):
    place = f"file.yaml:1:{text.index('%') + 1}"

    found = messages(schemas, kind, text.replace("%", f"{quoted}9999-12-31{quoted}"))
    allowed = messages(schemas, kind, text.replace("%", f"{quoted}2999-12-31{quoted}"))

    assert [one for one in found if one.startswith(place) and one.endswith("after the year 2999")]
    assert not [one for one in allowed if "the year" in one]


def test_the_command_line_takes_the_same_days_as_the_files():
    schema = json.loads((SCHEMAS / "project.schema.json").read_text(encoding="utf-8"))
    assert schema["properties"]["as_of"]["lastYear"] == LAST_YEAR

    assert PLAN_DAY.convert("2026-11-15", None, None) == date(2026, 11, 15)
    with pytest.raises(click.BadParameter, match="is after the year 2999"):
        PLAN_DAY.convert("9999-12-31", None, None)


def test_python_callers_can_plan_for_the_same_days():
    assert PlanOptions(as_of=date(LAST_YEAR, 12, 31)).as_of == date(2999, 12, 31)
    with pytest.raises(EngineError, match=r"^as_of is 9999-12-31, which is after the year 2999$"):
        PlanOptions(as_of=date(9999, 12, 31))


def test_a_project_with_such_a_number_is_checked_to_its_end(tmp_path):
    """Before the schema had a limit, the check itself failed."""
    text = FILES["trueup.yaml"].replace("settle_after: 300", f"settle_after: {HUGE}")
    write(tmp_path, {**FILES, "trueup.yaml": text})

    project, findings = check_project(tmp_path)

    assert project is None
    assert [one.text for one in findings] == [f"{HUGE} is more than 604800"]
