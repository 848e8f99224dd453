"""The connectors that a project may name, and what must know each of them."""

import json
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from trueup.config.checks.connections import TARGET_TIMEOUT
from trueup.config.project import LOOK_UP_HOST, STATE, TENANT
from trueup.connectors.autotask import FULL_READ_AFTER, WORKERS
from trueup.connectors.sources import PROFILE, Sources
from trueup.connectors.states import States
from trueup.connectors.target_setup import TargetOptions, TargetSetup
from trueup.connectors.targets import target_connectors
from trueup.source.dataverse.settings import CACHE
from trueup.source.dataverse.sync import LoadSettings
from trueup.target.autotask.call_costs import COSTS
from trueup.target.autotask.limits import RunLimits
from trueup.target.autotask.query import MOST_OR

from tests.support.fakes import FakeClock
from tests.support.paths import ROOT, SCHEMAS
from tests.support.small_project import project


def connectors(part: str) -> set[str]:
    """The names that the code opens."""
    named, stack, clock = project(), ExitStack(), FakeClock()
    match part:
        case "source":
            return {*Sources(named, stack, clock).connectors}
        case "target":
            return {*target_connectors(TargetSetup(named, stack, clock, TargetOptions(), str))}
    return {*States(named, stack, clock).connectors}


def _properties(node: object, name: str) -> Iterator[dict[str, object]]:
    """The properties of this name, anywhere in a schema."""
    if isinstance(node, dict):
        if name in (known := node.get("properties", {})):
            yield known[name]
        for part in node.values():
            yield from _properties(part, name)
    elif isinstance(node, list):
        for part in node:
            yield from _properties(part, name)


@pytest.mark.parametrize("part", ["source", "target", "state"])
def test_a_project_may_name_each_connector_and_each_has_its_options(part: str):
    schema = json.loads((SCHEMAS / "project.schema.json").read_text(encoding="utf-8"))
    described = schema["$defs"][part]
    with_options = {one["if"]["properties"]["connector"]["const"] for one in described["allOf"]}

    assert {*described["properties"]["connector"]["enum"]} == connectors(part)
    assert with_options == connectors(part)


def test_the_timeout_that_is_checked_is_the_one_that_applies():
    """`config` imports no connector, so it repeats the default."""
    assert RunLimits().timeout == TARGET_TIMEOUT


@pytest.mark.parametrize(
    ("option", "applied"),
    [
        ("timeout", TARGET_TIMEOUT),
        ("deadline", RunLimits().deadline),
        ("workers", WORKERS),
        ("full_read_after", FULL_READ_AFTER),
        ("page", LoadSettings().page),
        ("cache", CACHE),
        ("profile", PROFILE),
        ("path", STATE),
        ("tenant", TENANT),
    ],
)
def test_the_default_in_the_schema_is_the_one_that_applies(option: str, applied: object):
    """The reference is made from the schema."""
    schema = json.loads((SCHEMAS / "project.schema.json").read_text(encoding="utf-8"))

    stated = {one["default"] for one in _properties(schema, option) if "default" in one}
    assert stated == {applied}


def test_the_look_up_host_in_the_schema_is_the_one_that_applies():
    schema = json.loads((SCHEMAS / "project.schema.json").read_text(encoding="utf-8"))

    texts = [one.get("description", "") for one in _properties(schema, "url")]
    assert f"The host of the zone look-up; {LOOK_UP_HOST} if absent." in texts


def test_a_page_has_as_many_records_as_a_query_alternatives():
    """The estimate of calls has one number for both."""
    assert COSTS.page == MOST_OR


def test_no_source_connector_may_import_another_one():
    """Import-linter takes a list: a connector that is not on it may import what it likes."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (independent,) = [
        {*contract["modules"]}
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["name"] == "A source connector never imports another one"
    ]
    folders = (ROOT / "engine" / "trueup" / "source").glob("*/__init__.py")

    assert independent == {f"trueup.source.{one.parent.name}" for one in folders}
