"""What Autotask would refuse is refused before anything is sent."""

from collections import Counter
from typing import Any

import pytest
from trueup.errors import ConfigError
from trueup.operations.project import check_project
from trueup.target.autotask.gateway import HttpTarget

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import Line, agrees, expect, finding, findings
from tests.scenarios.world import World

SETTINGS = "trueup.yaml"
CONTRACT = "mappings/contract.yaml"
NEW = Service(billed=None, in_autotask=False, start="2026-11-01", end="2028-10-31",
              changes={"2026-11-01": 10}, row={"psa_system_id": None})  # fmt: skip


def test_a_contract_type_that_has_no_services_is_refused_with_the_settings_place(tmp_path):
    edits = {SETTINGS: {"contract_type: Recurring Service": "contract_type: Fixed Price"}}
    refused: Any
    with pytest.raises(ConfigError) as refused:
        World(tmp_path, NEW, edits=edits)
    [error] = [one for one in refused.value.findings if one.severity == "error"]
    text = (tmp_path / SETTINGS).read_text(encoding="utf-8")
    line = text[: text.index("Fixed Price")].count("\n") + 1
    assert (error.place.file, error.place.line) == (SETTINGS, line)
    assert "ContractServices.contractID needs 'Recurring Service'" in error.text


def test_a_billing_code_of_another_use_is_refused_by_the_rule(tmp_path):
    edits = {SETTINGS: {"services: Cloud subscriptions": "services: Software licences"}}
    world = World(tmp_path, NEW, edits=edits)
    plan = world.plan()
    expect(
        plan,
        findings=["service-billing-code-resolves", "depends-on-blocked"],
        ledger={"sub": Line("unknown", 10, None, held=10, left=None)},
    )
    assert (
        "settings.billing_codes.services" in finding(plan, "service-billing-code-resolves").remedy
    )


PERIOD = (
    '  contractPeriodType: {value: "{{ settings.billing_frequencies[source.billing_frequency] }}",'
    " manage: create}\n"
)


def test_a_mapping_without_a_contract_period_is_refused(tmp_path):
    with pytest.raises(ConfigError):
        World(tmp_path, edits={CONTRACT: {PERIOD: "", "evidence: [contractPeriodType]\n": ""}})
    _, found = check_project(tmp_path)
    [error] = [one for one in found if one.severity == "error"]
    assert error.text.startswith("nothing fills Contracts.contractPeriodType")
    assert error.place.file == CONTRACT


def test_a_row_that_gives_no_contract_period_is_blocked(tmp_path):
    edits = {
        CONTRACT: {
            "settings.billing_frequencies[source.billing_frequency]": "source.po_number or none"
        },
    }
    world = World(tmp_path, NEW, edits=edits)
    plan = world.plan()
    expect(
        plan,
        findings=["required-empty", "depends-on-blocked"],
        ledger={"sub": Line("missing", 10, 0, held=10)},
        held={"required-empty": "100.00"},
    )
    assert "contractPeriodType" in finding(plan, "required-empty").text


# Rights

EVERYTHING = ["create", "query", "update", "delete"]


def without(**entities: list[str]) -> dict:
    """A seed whose API user has every right but these."""
    grants = {"*": EVERYTHING}
    for entity, denied in entities.items():
        grants[entity] = [one for one in EVERYTHING if one not in denied]
    user = {"username": "api@demo.example", "secret": "demo", "integration_code": "DEMO"}
    return {
        "users": [{**user, "level": "restricted"}],
        "levels": {"restricted": {"entities": grants}},
    }


def test_a_missing_right_to_adjust_holds_the_changes(tmp_path):
    service = Service(seats=13, changes={"2026-11-10": 3})
    world = World(tmp_path, service, seed=without(ContractServiceAdjustments=["create"]))
    plan = world.plan()
    expect(
        plan,
        findings=["right-missing"],
        ledger={"sub": Line("under-billed", 13, 10, held=3)},
        held={"right-missing": "30.00"},
    )
    text = "the API user may not create ContractServiceAdjustments"
    assert finding(plan, "right-missing").text == text
    world.apply(plan, units={"sub": {"2026-11-10": 10}})


def test_rights_are_read_once(tmp_path, monkeypatch):
    requests = Counter()
    denied = HttpTarget.denied

    def counted(target, entity):
        requests[entity] += 1
        return denied(target, entity)

    monkeypatch.setattr(HttpTarget, "denied", counted)
    services = [Service(key=key, seats=13, changes={"2026-11-10": 3}) for key in ("a", "b", "c")]
    World(tmp_path, *services).plan()
    assert requests["ContractServiceAdjustments"] == 1
    assert set(requests.values()) == {1}


def test_a_missing_right_to_adjust_holds_the_service_that_would_have_no_units(tmp_path):
    world = World(tmp_path, NEW, seed=without(ContractServiceAdjustments=["create"]))
    plan = world.plan()
    assert [change for change in plan.changes if change.adjustment] == []
    assert {one.code for one in findings(plan)} == {"right-missing"}
    assert plan.summary.run_rate.net == 0
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert world.plan().changes == ()


def test_a_missing_right_to_create_contracts_holds_what_depends_on_them(tmp_path):
    world = World(tmp_path, NEW, seed=without(Contracts=["create"]))
    plan = world.plan()
    assert {change.entity for change in plan.changes if change.action == "create"} == {"Services"}
    expect(
        plan,
        findings=["right-missing", "depends-on-blocked"],
        ledger={"sub": Line("missing", 10, 0, held=10)},
        held={"right-missing": "100.00"},
    )
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert world.plan().changes == ()


def test_a_missing_right_to_update_leaves_the_rest_of_the_plan_alone(tmp_path):
    service = Service(seats=13, changes={"2026-11-10": 3})
    account = {"city": "Leeds"}
    world = World(tmp_path, service, account=account, seed=without(Companies=["update"]))
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-10", 3)],
        findings=["right-missing"],
        ledger={"sub": Line("under-billed", 13, 10, moved=3)},
        invoice="21.00",
        run_rate="30.00",
    )
    world.apply(plan, units={"sub": {"2026-11-10": 13}})


# A linked customer


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("phone", "020 79x6 0123", "customer-phone-is-valid"),
        ("phone", None, "customer-has-a-phone"),
        ("primary_contact", None, "customer-has-a-primary-contact"),
        ("country", "Grate Britain", "customer-country-is-known"),
    ],
)
def test_a_fault_of_a_linked_customer_is_a_warning(tmp_path, column, value, code):
    world = World(tmp_path)
    world.sync()
    world.add_change("sub", "2026-11-10", 3, "log-sub")
    with world.work365():
        world.row("account")[column] = value
    plan = world.plan()
    assert finding(plan, code).severity == "warning"
    assert [
        (one.adjustment.row.key, one.unit_change) for one in plan.changes if one.adjustment
    ] == [("sub", 3)]
    world.apply(plan, units={"sub": {"2026-11-10": 13}})
    [company] = [row for row in world.records("Companies") if row["id"] == 101]
    assert (company["phone"], company["countryID"]) == ("+44 20 7946 0123", 225)


def test_the_same_fault_blocks_a_customer_that_is_not_linked_yet(tmp_path):
    world = World(tmp_path, account={"phone": "020 79x6 0123"})
    plan = world.plan()
    expect(
        plan, findings=["customer-phone-is-valid", "depends-on-blocked"], ledger={"sub": agrees(10)}
    )
    assert finding(plan, "customer-phone-is-valid").severity == "error"
