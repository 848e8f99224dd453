"""A project may have its plans read only what changed in Autotask, where that saves calls."""

import json
import re
from collections import Counter
from datetime import datetime, timedelta

import pytest
from trueup.target.autotask.transport import Transport

UNITS = "ContractServiceUnits"
FILE = ".trueup/state.known.json"


@pytest.fixture
def sent(monkeypatch):
    """The requests that read records, by entity."""
    requests, send = Counter(), Transport.send

    def counted(of, request, zone):
        entity, _, route = request.path.partition("/")
        if route.startswith("query"):
            requests[entity] += 1
        return send(of, request, zone)

    monkeypatch.setattr(Transport, "send", counted)
    return requests


def set_up(work, *settings):
    """The project's own settings of its target."""
    file = work / "trueup.yaml"
    text = file.read_text(encoding="utf-8")
    seed = "  seed: examples/autotask.json\n"
    assert seed in text
    lines = "".join(f"  {setting}\n" for setting in settings)
    file.write_text(text.replace(seed, seed + lines), encoding="utf-8")


def test_an_unchanged_tenant_costs_one_call_for_each_entity_and_those_for_units(
    work, applied, planned, sent
):
    in_full = planned()
    full = Counter(sent)
    assert not (work / FILE).exists()
    set_up(work, "read: changed")
    planned()
    sent.clear()

    again = planned()

    assert {entity: count for entity, count in sent.items() if entity != UNITS} == dict.fromkeys(
        full.keys() - {UNITS}, 1
    )
    assert sent[UNITS] == full[UNITS]
    assert again == in_full  # byte for byte, and of the same project
    sent.clear()
    assert planned("--fresh") == in_full
    assert sent == full


@pytest.mark.parametrize(("hours", "is_old"), [(1, True), (720, False)])
def test_records_are_read_in_full_again_after_the_time_that_the_project_sets(
    work, planned, sent, hours, is_old
):
    set_up(work, "read: changed", f"full_read_after: {hours}")
    planned()
    in_full = sent.total()
    document = json.loads((work / FILE).read_text(encoding="utf-8"))
    for queries in document["entities"].values():
        for query in queries:
            before = datetime.fromisoformat(query["full"]) - timedelta(hours=2)
            query["full"] = before.isoformat()
    (work / FILE).write_text(json.dumps(document), encoding="utf-8")
    sent.clear()

    planned()

    assert (sent.total() == in_full) is is_old


def test_after_a_run_records_are_read_in_full(work, trueup, planned, sent):
    set_up(work, "read: changed")
    planned("--out", "plan.json")
    assert trueup("apply", "plan.json", "--yes")[0] == 0
    sent.clear()

    after = planned()

    known = Counter(sent)
    sent.clear()
    assert planned("--fresh") == after
    assert sent == known


def test_how_much_is_spared_is_stated(work, trueup, planned):
    set_up(work, "read: changed")
    planned()

    _, _, progress = trueup("plan", "-v")

    assert re.search(
        r"sandbox: \d+ entities were each read in full in one call; kept records spare \d+ calls",
        progress,
    )


def test_a_sandbox_that_is_reset_is_another_tenant(work, few_companies, trueup, planned):
    set_up(work, "read: changed")
    planned()
    assert (work / FILE).exists()

    assert trueup("sandbox", "reset")[0] == 0

    assert not (work / FILE).exists()


def test_a_sandbox_that_is_made_again_is_another_tenant(work, few_companies, planned, sent):
    set_up(work, "read: changed")
    planned()
    in_full = sent.total()
    for file in (work / ".trueup").glob("autotask.sqlite*"):
        file.unlink()
    sent.clear()

    planned()

    assert sent.total() == in_full
