"""Scopes of rules: what the schema accepts is evaluated, with all the names that the scope offers.

`model/rule_scopes.py` is the only list of scopes.
"""

import json

import pytest
from msgspec.structs import replace
from trueup.errors import ConfigError
from trueup.model.rule_scopes import RuleOn, fact_names, scope

from tests.support.paths import ROOT
from tests.support.scene import Scene, settled
from tests.support.small_project import project

MAPPING = {
    RuleOn.ROW: "subscription",
    RuleOn.RECORD: "subscription",
    RuleOn.CHANGE: "license_change",
    RuleOn.LEDGER: "subscription",
    RuleOn.PLAN: "",
}
"""A mapping that has rows of each scope in the small project."""


def rule(on: RuleOn, check: str) -> dict[str, str]:
    """The rules of the small project: one rule, which is a warning, with that check."""
    about = f"    for: {MAPPING[on]}\n" if MAPPING[on] else ""
    return {
        "rules/rules.yaml": (
            f'rules:\n  - rule: tried\n{about}    on: {on}\n    assert: "{{{{ {check} }}}}"\n'
            "    severity: warning\n    message: It fails.\n    remedy: Look at it.\n"
        )
    }


def findings(*files: dict[str, str]) -> list[str]:
    """Codes of the findings of a plan in which each scope has something to look at."""
    scene = Scene()
    scene.files(*files)
    made = scene.plan()
    codes = [one.code for blocked in made.blocked for one in blocked.findings]
    return codes + [one.code for one in made.findings]


def names_of(on: RuleOn) -> list[str]:
    """All names that the scope offers to expressions."""
    offered = scope(on)
    names = ["settings.owner", "plan.as_of"]
    names += ["source.id", "related.account.id"] * offered.row
    names += ["before and before.id", "after.id", "after.internalDescription"] * offered.record
    names += ["refs.customer.id", "refs.customer.companyName"] * offered.refs
    if offered.facts:
        names += [f"{offered.name}.{name}" for name in fact_names(offered.facts)]
    return names


@pytest.mark.parametrize("on", [one for one in RuleOn if scope(one).row])
@pytest.mark.parametrize("mapping", project().mappings)
def test_a_rule_of_a_mapping_is_evaluated_or_refused(mapping, on):
    wanted = rule(on, "false")
    wanted["rules/rules.yaml"] = wanted["rules/rules.yaml"].replace(
        f"for: {MAPPING[on]}", f"for: {mapping}"
    )
    refusal = _refusal(wanted)
    assert "to check" in refusal if refusal else "tried" in findings(wanted)


def _refusal(files: dict[str, str]) -> str:
    """Why the project is refused; empty where it is not."""
    try:
        project(files)
    except ConfigError as refused:
        return str(refused)
    return ""


def test_the_schema_accepts_the_scopes_that_there_are():
    schema = json.loads((ROOT / "schemas" / "rules.schema.json").read_text(encoding="utf-8"))
    (rule_schema,) = [
        part for part in schema["$defs"].values() if "on" in part.get("properties", {})
    ]
    accepted = rule_schema["properties"]["on"]
    assert set(accepted["enum"]) == {str(on) for on in RuleOn}
    assert accepted["default"] == RuleOn.ROW


@pytest.mark.parametrize("on", RuleOn)
def test_a_rule_of_each_scope_is_evaluated(on):
    assert "tried" in findings(rule(on, "false"))
    assert "tried" not in findings(rule(on, "true"))


@pytest.mark.parametrize("on", RuleOn)
def test_each_name_that_a_scope_offers_can_be_used(on):
    check = " and ".join(f"(({name}) or true)" for name in names_of(on))
    codes = findings(rule(on, check))
    assert "expression-failed" not in codes
    assert "tried" not in codes


@pytest.mark.parametrize("on", RuleOn)
def test_a_name_that_a_scope_does_not_offer_is_refused_with_its_place(on):
    others = {scope(one).name for one in RuleOn} - {scope(on).name, ""}
    for name in sorted(others - {"plan"}):
        with pytest.raises(ConfigError, match=r"rules/rules\.yaml:\d+:\d+: "):
            project(rule(on, f"{name}.anything"))
    if scope(on).facts:
        with pytest.raises(ConfigError, match=f"{scope(on).name}.*nonesuch"):
            project(rule(on, f"{scope(on).name}.nonesuch"))


def test_facts_are_named_as_users_write_them():
    """`class` is a keyword of Python, and the name that users write."""
    for on in RuleOn:
        facts = scope(on).facts
        if facts:
            names = fact_names(facts)
            assert set(names.values()) == {*facts.__struct_fields__}
            assert all(name == part.rstrip("_") for name, part in names.items())


# A scope that is added


def new_scope() -> RuleOn:
    """A member that `RuleOn` does not have, as the next developer would add one."""
    on = str.__new__(RuleOn, "outcome")
    on._name_, on._value_ = "OUTCOME", "outcome"
    return on


def test_a_new_scope_must_say_what_it_offers():
    with pytest.raises(AssertionError, match="Expected code to be unreachable"):
        scope(new_scope())


def test_a_rule_of_a_scope_that_nothing_evaluates_stops_the_plan(monkeypatch):
    """Were the scope added to the list and nowhere else, no plan would pass its rules over."""
    monkeypatch.setattr("trueup.planning.needs.scope", lambda _: scope(RuleOn.ROW))
    scene = settled()
    known = project(rule(RuleOn.ROW, "true"))
    (its_rule,) = known.rules
    scene.project = replace(known, rules=(replace(its_rule, on=new_scope()),))
    with pytest.raises(AssertionError, match=r"never evaluated: .*outcome at rules/rules\.yaml"):
        scene.plan()


def test_a_project_without_that_rule_is_planned():
    scene = settled()
    scene.files(rule(RuleOn.ROW, "true"))
    assert scene.plan().changes == ()
