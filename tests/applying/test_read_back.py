"""What a run wrote is read again: a target may accept a value and keep another one.

The outcome says so with both values. The next plan names the field and the place that sets it,
writes nothing again and takes nothing for an edit of a person.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from threading import Event
from time import sleep
from typing import Any, cast

import pytest
from msgspec.structs import replace
from trueup.applying.manual_settlement import Settlement, settle
from trueup.applying.run_state import RunState
from trueup.errors import SourceError, TargetUnavailable
from trueup.model.change import Action, Reason
from trueup.model.document import loads
from trueup.model.finding import Finding
from trueup.model.history import change_status
from trueup.model.outcome import ChangeStatus
from trueup.model.plan import Plan
from trueup.model.run import Effects, Entry, Lease, Step
from trueup.operations.open_history import show_run
from trueup.ports.source import Rows
from trueup.ports.target import Condition, Record
from trueup.state.sqlite.store import SqliteState

from tests.support.crashing import Killed, killed
from tests.support.scene import (
    Scene,
    account,
    actions,
    autotask,
    day,
    outcome_of,
    settled,
    statuses,
)
from tests.support.small_project import changed, settings


def keeps(scene: Scene, field: str, keep: Callable[[object], object]) -> None:
    """From now on the target accepts what is written into the field and keeps `keep` of it."""
    insert, patch = scene.target.insert, scene.target.patch

    def kept(values):
        return {name: keep(value) if name == field else value for name, value in values.items()}

    scene.target.insert = lambda entity, values: insert(entity, kept(values))
    scene.target.patch = lambda entity, record, values: patch(entity, record, kept(values))


def keeps_all(scene: Scene) -> None:
    """The target is as it was: it keeps what is written."""
    del scene.target.insert, scene.target.patch


def keeps_nothing(scene: Scene) -> None:
    """Updates are answered with success and write nothing."""
    scene.target.patch = lambda *_: None


def edited(phone: str = "22") -> Scene:
    """All is applied; then the customer gets another phone in Work 365."""
    scene = settled()
    scene.row("account")["phone"] = phone
    return scene


def not_kept(made: Plan) -> list[Finding]:
    return [one for one in made.findings if one.code == "not-kept"]


def test_an_update_that_is_not_kept_shows_both_values_and_is_not_complete():
    scene = edited("22")
    keeps(scene, "phone", lambda _: "2")
    outcome = scene.apply(scene.plan())
    change = outcome_of(outcome, "customer:acc")
    assert (change.status, change.text) == (
        ChangeStatus.NOT_KEPT,
        "Autotask accepted it and keeps another value: phone is '2' and not '22'",
    )
    assert change.remedy == "plan again: it names the fields and where the mapping sets them"
    assert not outcome.complete
    assert scene.state.runs()[-1].status == "done"


def test_the_next_plans_name_the_field_and_its_place_and_write_nothing():
    scene = edited("22")
    keeps(scene, "phone", lambda _: "2")
    scene.apply(scene.plan())
    sent = len(scene.target.sent)
    for _ in range(3):
        made = scene.plan()
        (finding,) = not_kept(made)
        assert made.changes == ()
        assert finding.text == (
            "Autotask does not keep this value of phone: it was written as 22, and Autotask holds 2"
        )
        assert str(finding.place) == str(scene.project.mappings["customer"].fields["phone"].place)
        assert "`trueup state forget customer acc --reason …`" in finding.remedy
        assert scene.apply(made).complete
    assert len(scene.target.sent) == sent


def test_an_update_that_is_answered_and_writes_nothing_is_not_repeated_for_ever():
    scene = edited("22")
    keeps_nothing(scene)
    outcome = scene.apply(scene.plan())
    assert outcome_of(outcome, "customer:acc").text.endswith("phone is '1' and not '22'")
    made = scene.plan()
    assert (actions(made), len(not_kept(made))) == ([], 1)


def test_the_history_of_a_run_shows_the_change_as_its_outcome_does():
    scene = edited("22")
    keeps(scene, "phone", lambda _: "2")
    outcome = scene.apply(scene.plan())

    shown = show_run(scene.state, outcome.run)

    assert {change.id: change_status(entries) for change, entries in shown.by_change()} == {
        "customer:acc": "not kept"
    }
    assert shown.changes_written() == 1


def test_other_changes_of_the_record_are_written_and_the_field_is_left_as_it_is_kept():
    scene = edited("22")
    keeps(scene, "phone", lambda _: "2")
    scene.apply(scene.plan())
    scene.row("account")["name"] = "Alpine Dental Group"
    made = scene.plan()
    (update,) = made.changes
    assert [one.field for one in update.fields] == ["companyName"]
    assert scene.apply(made).complete
    made = scene.plan()
    assert (actions(made), len(not_kept(made))) == ([], 1)
    assert scene.target.only("Companies")["phone"] == "2"


def test_another_value_is_written_again_and_once_it_is_kept_nothing_is_reported():
    scene = edited("22")
    keeps(scene, "phone", lambda _: "2")
    scene.apply(scene.plan())
    keeps_all(scene)
    scene.row("account")["phone"] = "33"
    made = scene.plan()
    (update,) = made.changes
    assert [(one.field, one.before, one.after) for one in update.fields] == [("phone", "2", "33")]
    assert scene.apply(made).complete
    made = scene.plan()
    assert (actions(made), not_kept(made)) == ([], [])


def test_a_person_who_edits_the_field_afterwards_is_seen():
    scene = edited("22")
    keeps(scene, "phone", lambda _: "2")
    scene.apply(scene.plan())
    scene.target.only("Companies")["phone"] = "9"
    made = scene.plan()
    (update,) = made.changes
    assert [(one.field, one.reason) for one in update.fields] == [("phone", Reason.DRIFT)]
    assert not_kept(made) == []


def test_a_record_that_was_created_is_read_back_and_what_needs_it_goes_on():
    scene = Scene()
    keeps(scene, "companyName", lambda value: str(value)[:6])
    outcome = scene.apply(scene.plan())
    found = statuses(outcome)
    assert found.pop("customer:acc") is ChangeStatus.NOT_KEPT
    assert {*found.values()} == {ChangeStatus.APPLIED}
    assert scene.units(day(12, 1)) == 12
    made = scene.plan()
    assert (actions(made), [one.key for one in not_kept(made)]) == ([], ["acc"])


def test_a_value_that_is_set_on_create_only_is_to_be_set_by_hand():
    scene = Scene()
    keeps(scene, "status", lambda _: None)
    change = outcome_of(scene.apply(scene.plan()), "contract:con")
    assert change.text.endswith("status is nothing and not 1")
    assert change.remedy == "set it there: it is written only when the record is created"
    made = scene.plan()
    assert (actions(made), not_kept(made)) == ([], [])


def test_a_record_that_does_not_stay_switched_off_is_not_switched_off_again_and_again():
    scene = settled()
    scene.files(
        changed("mappings/customer.yaml", "when_missing: report", "when_missing: deactivate")
    )
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    del scene.source.tables["account"]["b"]
    keeps_nothing(scene)
    assert statuses(scene.apply(scene.plan())) == {"customer:b": ChangeStatus.NOT_KEPT}
    made = scene.plan()
    (finding,) = not_kept(made)
    assert (actions(made), finding.key) == ([], "b")
    assert "isActive: it was written as no, and Autotask holds yes" in finding.text
    assert "switch it off in Autotask" in finding.remedy


def test_numbers_and_days_that_are_equal_are_kept():
    scene = Scene()
    keeps(scene, "unitPrice", lambda value: Decimal(str(value)).quantize(Decimal("0.0000")))
    scene.sync()
    assert not_kept(scene.plan()) == []


def test_a_record_that_is_not_shown_yet_is_not_taken_for_one_that_is_not_kept():
    scene = edited("22")
    company = scene.target.only("Companies")["id"]
    made = scene.plan()
    scene.target.on_write = lambda *_: scene.target.hidden.add(("Companies", company))
    assert statuses(scene.apply(made)) == {"customer:acc": ChangeStatus.APPLIED}


@pytest.mark.parametrize("nth", [3, 4])
def test_a_run_that_was_killed_before_its_last_batch_was_read_back_reads_it_when_resumed(nth):
    scene = edited("22")
    keeps(scene, "phone", lambda _: "2")
    made = scene.plan()
    assert killed(scene, lambda: scene.apply(made), nth=nth, after=nth == 3)
    assert [str(entry.step) for entry in scene.state.journal(scene.state.runs()[-1].id)] == [
        "started",
        "done",
    ]
    outcome = scene.resume()
    assert statuses(outcome) == {"customer:acc": ChangeStatus.NOT_KEPT}
    assert actions(scene.plan()) == []


def test_batches_are_read_back_one_by_one():
    scene = Scene()
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace("batch: 50", "batch: 1")})
    keeps(scene, "name", lambda value: str(value).upper())
    found = statuses(scene.apply(scene.plan()))
    assert {key for key, status in found.items() if status is ChangeStatus.NOT_KEPT} == {
        "service:pro",
        "service:yea",
    }
    assert actions(scene.plan()) == []


def customers(count: int) -> Scene:
    """So many customers, all applied and then edited in Work 365, in batches of one change."""
    scene = settled()
    for number in range(1, count):
        scene.add("account", account(f"b{number}", name=f"Brook {number}", number=f"B-{number}"))
    scene.sync()
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace("batch: 50", "batch: 1")})
    for row in scene.source.tables["account"].values():
        row["phone"] = "22"
    return scene


class Watched:
    """The writes and reads of single records, in order, as `write 7` and `read 7`."""

    def __init__(self, scene: Scene) -> None:
        self.order: list[str] = []
        self.on_read: Callable[[str], None] = lambda _: None
        self._read, self._patch = scene.target.read, scene.target.patch
        scene.target.read, scene.target.patch = self.read, self.patch

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        if where and where[0].field == "id" and fields == ["phone"]:
            (record,) = cast("Sequence[int]", where[0].value)
            self.on_read(f"write {record}")
            self.order.append(f"read {record}")
        return self._read(entity, where, fields)

    def patch(self, entity: str, record: int, values: Mapping[str, Any]) -> None:
        self._patch(entity, record, values)
        self.order.append(f"write {record}")


def test_a_batch_is_read_back_while_the_next_one_is_written():
    scene = customers(2)
    made = scene.plan()
    watched, first, second = Watched(scene), Event(), Event()
    patch = scene.target.patch

    def update(*values: Any) -> None:
        patch(*values)
        (second if first.is_set() else first).set()

    def wait_for_the_second(write: str) -> None:
        if write in watched.order:
            assert second.wait(30), "the second batch waits for the first one to be read back"

    scene.target.patch, watched.on_read = update, wait_for_the_second
    assert {*statuses(scene.apply(made)).values()} == {ChangeStatus.APPLIED}
    assert len(watched.order) == 6


def test_a_run_that_counts_its_calls_reads_a_batch_back_before_it_writes_the_next_one():
    scene = customers(2)
    made = scene.plan()
    watched, second = Watched(scene), Event()
    one, other = (change.record for change in made.changes)
    patch = scene.target.patch

    def update(*values: Any) -> None:
        patch(*values)
        if values[1] == other:
            second.set()

    # A second batch that did not wait would be written during this read.
    scene.target.patch = update
    watched.on_read = lambda write: write in watched.order and second.wait(0.5)
    scene.apply(made, max_calls=1000)
    written = watched.order.index(f"write {other}")
    assert f"read {one}" in watched.order[watched.order.index(f"write {one}") : written]


def test_a_run_that_was_killed_with_three_batches_not_read_back_reads_all_when_resumed():
    """The last write of the second batch ends after the third batch was written."""
    scene = customers(3)
    keeps(scene, "phone", lambda _: "2")
    made = scene.plan()
    second = made.changes[1].record
    patch, record, last = scene.target.patch, scene.state.record, Event()

    def update(entity: str, number: int, values: Mapping[str, Any]) -> None:
        if number == second:
            assert last.wait(30), "the third batch waits for the second one to end"
        patch(entity, number, values)

    def recorded(lease: Lease, run: str, entries: Sequence[Entry], *effects: Effects) -> None:
        if any(entry.data.get("kept") for entry in entries):
            raise Killed
        record(lease, run, entries, *effects)
        if any(entry.step is Step.DONE and entry.change == made.changes[2].id for entry in entries):
            last.set()

    scene.target.patch, scene.state.record = update, recorded
    with pytest.raises(Killed):
        scene.apply(made)
    del scene.state.record
    scene.state.lease = None  # it runs out by itself
    done = [
        one.change for one in scene.state.journal(scene.state.runs()[-1].id) if one.step == "done"
    ]
    assert done == [made.changes[0].id, made.changes[2].id, made.changes[1].id]
    assert {*statuses(scene.resume()).values()} == {ChangeStatus.NOT_KEPT}
    assert actions(scene.plan()) == []


def test_what_was_read_back_is_recorded_when_the_next_batch_cannot_be_checked():
    scene = customers(3)
    keeps(scene, "phone", lambda _: "2")
    made = scene.plan()
    rows, last = scene.source.read, made.changes[2].keys[0]

    def unreadable(table, columns, keys):
        if last in keys:
            raise SourceError("the file is locked")
        return rows(table, columns, keys)

    scene.source.read = unreadable
    outcome = scene.apply(made)
    assert outcome.stopped == "the file is locked"
    assert [*statuses(outcome).values()].count(ChangeStatus.NOT_KEPT) == 2


def test_what_is_in_flight_is_recorded_when_a_batch_before_cannot_be_read_back():
    scene = customers(3)
    made = scene.plan()
    first, _, third = (change.record for change in made.changes)
    watched, patch = Watched(scene), scene.target.patch

    def away(write: str) -> None:
        if write == f"write {first}" and write in watched.order:
            raise TargetUnavailable("reading failed", may_have_landed=False)

    def update(entity: str, record: int, values: Mapping[str, Any]) -> None:
        if record == third:
            sleep(0.3)  # the first batch is read back, in vain, once the second one has ended
        patch(entity, record, values)

    watched.on_read, scene.target.patch = away, update
    outcome = scene.apply(made)
    assert outcome.stopped == "reading failed"
    assert {*statuses(outcome).values()} == {ChangeStatus.APPLIED}
    assert (outcome.complete, outcome.is_open) == (False, True)


def test_a_run_whose_last_batch_cannot_be_read_back_stays_open_and_reads_it_when_resumed():
    scene = customers(1)
    keeps(scene, "phone", lambda _: "2")
    watched = Watched(scene)

    def away(write: str) -> None:
        if write in watched.order:
            raise TargetUnavailable("away")

    watched.on_read = away
    outcome = scene.apply(scene.plan())

    assert (outcome.stopped, outcome.remaining) == ("away", 0)
    assert (outcome.complete, outcome.is_open) == (False, True)
    assert [run.id for run in scene.state.load().open_runs] == [outcome.run]
    watched.on_read = lambda _: None
    outcome = scene.resume()
    assert {*statuses(outcome).values()} == {ChangeStatus.NOT_KEPT}
    assert not outcome.is_open


def reading_fails(scene: Scene, times: int) -> None:
    """The next reads of records by their ids fail, so many times."""
    read, left = scene.target.read, [times]

    def away(entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        if left[0] and where and where[0].field == "id":
            left[0] -= 1
            raise TargetUnavailable("away")
        return read(entity, where, fields)

    scene.target.read = away


def killed_when_read_back(scene: Scene, do: Callable[[], object]) -> None:
    """Does it, and is killed when the first batch that was read back is journaled."""
    record = scene.state.record

    def recorded(lease: Lease, run: str, entries: Sequence[Entry], *effects: Effects) -> None:
        if any(entry.data.get("kept") for entry in entries):
            raise Killed
        record(lease, run, entries, *effects)

    scene.state.record = recorded
    with pytest.raises(Killed):
        do()
    del scene.state.record
    scene.state.lease = None  # it runs out by itself


def test_a_run_that_is_killed_again_and_again_reads_all_back_in_the_end():
    scene = customers(8)
    keeps(scene, "phone", lambda _: "2")
    made = scene.plan()
    killed_when_read_back(scene, lambda: scene.apply(made))
    for _ in range(2):
        killed_when_read_back(scene, scene.resume)

    assert ChangeStatus.APPLIED not in statuses(scene.resume()).values()


def test_a_run_that_is_resumed_with_smaller_batches_reads_back_those_that_it_wrote():
    scene = customers(8)
    scene.files()
    keeps(scene, "phone", lambda _: "2")
    made = scene.plan()
    killed_when_read_back(scene, lambda: scene.apply(made))
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace("batch: 50", "batch: 1")})

    assert {*statuses(scene.resume()).values()} == {ChangeStatus.NOT_KEPT}


def test_only_changes_to_records_count_as_those_that_may_not_be_read_back():
    scene = Scene(records=autotask())
    outcome = scene.apply(scene.plan())
    run_state = RunState(loads(scene.state.run(outcome.run).plan), scene.state.journal(outcome.run))

    assert {*statuses(outcome).values()} == {ChangeStatus.APPLIED}
    assert {change.action for change in run_state.unread()} == {Action.UPDATE}


def test_what_is_kept_survives_the_state_file(tmp_path):
    """Days, too, and the values of a link are the ones that the target has."""
    scene = Scene()
    with SqliteState(tmp_path / "state.sqlite", clock=scene.clock) as state:
        scene.state = state
        keeps(scene, "endDate", lambda _: date(2028, 12, 30))
        outcome = scene.apply(scene.plan())
        assert outcome_of(outcome, "contract:con").text.endswith(
            "endDate is 2028-12-30 and not 2028-12-31"
        )
    with SqliteState(tmp_path / "state.sqlite", clock=scene.clock) as state:
        scene.state = state
        made = scene.plan()
        assert (actions(made), [one.key for one in not_kept(made)]) == ([], ["con"])


# Write-backs to the source


def source_keeps(scene: Scene, **columns: object) -> None:
    """From now on Work 365 accepts what is written into these columns and sets them to these."""
    write = scene.source.write

    def kept(table, updates):
        return write(table, [replace(one, values={**one.values, **columns}) for one in updates])

    scene.source.write = kept


def test_a_write_back_that_the_source_does_not_keep_shows_both_values_and_its_place():
    scene = Scene()
    source_keeps(scene, status="On hold")

    outcome = scene.apply(scene.plan())

    change = outcome_of(outcome, "license_change:first:mark")
    assert (change.status, change.text) == (
        ChangeStatus.NOT_KEPT,
        "Work 365 accepted it and keeps another value: status is 'On hold' and not 'Archived'",
    )
    assert "`write_back` at mappings/license_change.yaml:" in change.remedy
    assert not outcome.complete
    assert not scene.state.pushed["license_change", "first"].marked
    assert scene.state.runs()[-1].status == "done"


def test_a_write_back_that_is_kept_the_next_time_is_complete():
    scene = Scene()
    source_keeps(scene, status="Active")
    scene.apply(scene.plan())
    del scene.source.write

    made = scene.sync()

    assert actions(made) == [("write back", "license_change")] * 2
    assert scene.state.pushed["license_change", "first"].marked
    assert actions(scene.plan()) == []


def test_a_write_back_that_cannot_be_read_again_is_settled_later():
    scene = Scene()
    made, write = scene.plan(), scene.source.write

    def unreadable(*_: object) -> Rows:
        raise SourceError("the table cannot be read")

    def written(*arguments):
        scene.source.read = unreadable
        return write(*arguments)

    scene.source.write = written
    outcome = scene.apply(made)
    change = outcome_of(outcome, "subscription:sub:mark")
    assert (change.status, change.text) == (
        ChangeStatus.IN_DOUBT,
        "it was written, and cannot be read again: the table cannot be read",
    )

    del scene.source.read, scene.source.write
    assert scene.resume().complete
    assert actions(scene.plan()) == []


# Creates whose answer names no record of theirs


def makes_nothing(scene: Scene, entity: str, *, instead: dict[str, object] | None = None) -> None:
    """The next create of the entity is answered with an id of no record, or of another one."""
    insert = scene.target.insert

    def answered(name: str, values: dict[str, object]) -> int:
        record = insert(name, values)
        if name == entity:
            scene.target.insert = insert
            del scene.target.records[name][record]
            if instead is not None:
                scene.target.records[name][record] = {"id": record, **instead}
        return record

    scene.target.insert = answered


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        (None, "reading shows no such record"),
        (
            {"companyName": "Brook Ltd", "companyNumber": "B-1", "udf.Work 365 Id": "other"},
            "its udf.Work 365 Id is 'other' and not 'acc'",
        ),
    ],
)
def test_a_create_without_its_record_is_in_doubt_and_nothing_is_built_on_it(instead, why):
    scene = Scene()
    makes_nothing(scene, "Companies", instead=instead)

    outcome = scene.apply(scene.plan())

    change = outcome_of(outcome, "customer:acc")
    assert change.status is ChangeStatus.IN_DOUBT
    assert change.text.endswith(f"Autotask answered with Companies 1000, and {why}")
    assert "`trueup state settle customer:acc landed|absent --reason …`" in change.remedy
    assert ("customer", "acc") not in scene.state.links
    assert scene.target.records["Contracts"] == {}
    assert outcome.remaining > 0


def test_a_create_without_its_record_is_never_sent_again_by_itself():
    scene = Scene()
    makes_nothing(scene, "Companies")
    scene.apply(scene.plan())
    scene.wait(1000)

    outcome = scene.resume()

    assert outcome_of(outcome, "customer:acc").status is ChangeStatus.IN_DOUBT
    assert scene.target.records["Companies"] == {}


def test_a_create_without_its_record_is_found_when_reading_it_back_failed_at_the_end():
    scene = Scene()
    for table, rows in scene.source.tables.items():
        if table != "account":
            rows.clear()
    makes_nothing(scene, "Companies")
    read = scene.target.read

    def away(entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        if any(one.field == "id" for one in where):
            raise TargetUnavailable("away")
        return read(entity, where, fields)

    scene.target.read = away
    assert not scene.apply(scene.plan()).complete
    scene.target.read = read

    outcome = scene.resume()

    assert outcome_of(outcome, "customer:acc").status is ChangeStatus.IN_DOUBT
    assert ("customer", "acc") not in scene.state.links


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_nothing_is_built_on_a_create_that_was_not_read_back_before_the_run_was_resumed(failures):
    scene = Scene()
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace("batch: 50", "batch: 1")})
    for number in range(6):
        scene.add("account", account(f"b{number}", name=f"Brook {number}", number=f"B-{number}"))
    makes_nothing(scene, "Companies", instead={"companyName": "Brook Ltd", "companyNumber": "B"})
    made = scene.plan()
    reading_fails(scene, failures)
    assert scene.apply(made).stopped == "away"
    for _ in range(failures - 1):
        assert scene.resume().stopped == "away"

    outcome = scene.resume()

    assert outcome_of(outcome, "customer:acc").status is ChangeStatus.IN_DOUBT
    assert ("customer", "acc") not in scene.state.links
    assert scene.target.records["Contracts"] == {}


@pytest.mark.parametrize(
    ("failures", "why"),
    [
        (0, "the outcome of what is in doubt is still unknown"),
        (1, "away"),
    ],
)
def test_a_run_that_is_only_settled_ends_once_its_records_are_read_back(failures, why):
    scene = Scene()
    scene.source.tables["product"].clear()
    scene.files({"trueup.yaml": settings()["trueup.yaml"].replace("batch: 50", "batch: 1")})
    makes_nothing(scene, "Companies")
    made = scene.plan()
    assert killed(scene, lambda: scene.apply(made), nth=3, after=True)
    scene.files(changed("mappings/customer.yaml", "{{ source.phone }}", "{{ source.phone }}9"))
    reading_fails(scene, failures)

    outcome = scene.resume()

    assert why in outcome.stopped
    assert "plan again" not in outcome.stopped
    assert ChangeStatus.SKIPPED not in statuses(outcome).values()
    assert outcome.is_open


def test_a_create_whose_record_is_shown_late_goes_on():
    scene = Scene()
    insert = scene.target.insert

    def hiding(name: str, values: dict[str, object]) -> int:
        record = insert(name, values)
        if name == "Companies":
            scene.target.hidden.add((name, record))
        return record

    scene.target.insert = hiding
    scene.apply(scene.plan())
    scene.target.hidden.clear()

    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_a_create_without_its_record_that_is_settled_as_absent_is_sent_again():
    scene = Scene()
    makes_nothing(scene, "Companies")
    scene.apply(scene.plan())
    scene.wait(301)
    lease = scene.state.acquire("me")
    absent = Settlement("customer:acc", False, None, "not there", scene.clock.now())  # noqa: FBT003
    settle(scene.project, scene.state, lease, absent)
    scene.state.release(lease)

    assert scene.resume().complete
    assert scene.picture() == settled().picture()


def test_an_identity_that_is_kept_otherwise_is_told_by_the_match_key():
    scene = Scene()
    keeps(scene, "udf.Work 365 Id", lambda value: f"{value} (cut)")

    outcome = scene.apply(scene.plan())

    assert statuses(outcome)["customer:acc"] is ChangeStatus.NOT_KEPT
