"""The desk's state: plans are replaced as a whole, and works are done one after another."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import Struct
from msgspec.structs import replace
from trueup.errors import EngineError
from trueup.model.note import Note
from trueup.operations import apply as applying
from trueup.operations.notes import NoteEdit
from trueup.review import active_run
from trueup.review import desk as desk_module
from trueup.review import previews as previews_module
from trueup.review.background_tasks import FAULT, BackgroundTasks, Failures
from trueup.review.current_plan import current_plan_of
from trueup.review.desk import Desk
from trueup.review.previews import NO_PREVIEW
from trueup.review.recent_items import KEPT
from trueup.review.rows import RowKey

from tests.render.conftest import five_thousand, full_plan

SMALL = full_plan()
LARGE = replace(SMALL, changes=five_thousand())


LONDON = ZoneInfo("Europe/London")


class Stub(Struct, frozen=True):
    """As much of a project as a desk needs whose plans are given."""

    name: str = "work"
    mappings: Mapping = {}
    decisions: tuple = ()
    notes: tuple = ()
    zone: ZoneInfo = LONDON
    as_of: date | None = None


PROJECT: Any = Stub()


@pytest.fixture
def desk(monkeypatch):
    """A desk whose plans are given: the last one of `desk.plans` is made next."""
    desk: Any = Desk(Path(), Failures(str, lambda _error: None))
    desk.plans = [SMALL]

    def plan(*_arguments, listener=None, **_options):
        made = desk.plans[-1]
        if listener:
            listener.notice("account: full load")
        if isinstance(made, Exception):
            raise made
        return made

    for module in (desk_module, previews_module, active_run):
        monkeypatch.setattr(module, "load_project", lambda _folder: PROJECT)
    for module in (desk_module, previews_module):
        monkeypatch.setattr(module, "plan", plan)
    monkeypatch.setattr(desk_module, "list_links", lambda _project: SimpleNamespace(links=()))
    return desk


def done(work):
    assert work.ended.wait(60)
    return work


def test_whoever_looks_while_a_plan_is_replaced_sees_one_of_them_whole(desk):
    done(desk.plan_again("/"))
    torn, stop = [], Event()

    def look():
        while not stop.is_set():
            seen = desk.current
            ids = sorted(change.id for row in seen.rows for change in row.changes)
            if ids != sorted(change.id for change in seen.plan.changes):
                torn.append(seen)

    lookers = [Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    for made in (LARGE, SMALL, LARGE):
        desk.plans.append(made)
        done(desk.plan_again("/"))
        assert desk.current.plan is made
    stop.set()
    for looker in lookers:
        looker.join()

    assert torn == []


def test_a_plan_that_pages_show_is_never_changed():
    current: Any = current_plan_of(PROJECT, SMALL, datetime.now(UTC), {})

    with pytest.raises(AttributeError, match="immutable"):
        current.plan = LARGE


def test_a_plan_that_cannot_be_made_leaves_the_one_before(desk):
    done(desk.plan_again("/"))
    desk.plans.append(EngineError("Autotask cannot be read"))
    work = done(desk.plan_again("/ledger"))

    assert desk.current.plan is SMALL
    assert [one.text[0].text for one in work.reasons] == ["Autotask cannot be read"]
    assert desk.reasons == work.reasons
    desk.plans.append(LARGE)
    done(desk.plan_again("/"))
    assert (desk.current.plan, desk.reasons) == (LARGE, ())


def test_remarks_about_reading_stay_with_their_plan(desk):
    done(desk.plan_again("/"))

    assert desk.current.notices == ("account: full load",)


def test_a_note_that_is_written_while_a_plan_is_made_is_shown_with_that_plan(desk, monkeypatch):
    files = [PROJECT]

    def write(_project, mapping, key, edit, by):
        note = edit.of(Note(mapping, key, by=by))
        files.append(replace(PROJECT, notes=(note,)))

    def slow(*_arguments, **_options):
        desk.note(RowKey("customer", "u1"), NoteEdit("asked"))
        return SMALL

    monkeypatch.setattr(desk_module, "load_project", lambda _folder: files[-1])
    monkeypatch.setattr(desk_module, "write_note", write)
    monkeypatch.setattr(desk_module, "plan", slow)
    done(desk.plan_again("/"))

    assert [one.text for one in desk.current.project.notes] == ["asked"]
    assert desk.current.by_row["customer", "u1"].notes == desk.current.project.notes


def test_a_desk_that_is_closed_does_not_wait_for_a_plan(desk, monkeypatch):
    may_end, applied = Event(), Event()

    def slow(*_arguments, **_options):
        applied.set()
        assert may_end.wait(60)
        return SMALL

    monkeypatch.setattr(desk_module, "plan", slow)
    monkeypatch.setattr(applying, "resume", lambda *_arguments: None)
    run = desk.run_control.resume()
    assert applied.wait(60)
    desk.run_control.close()

    assert run.ended.is_set()
    may_end.set()


def test_the_first_plan_is_made_once(desk):
    assert desk.first_plan() is desk.first_plan()


def test_a_defect_is_reported_once_and_shown_without_its_text():
    reported = []
    failures = Failures(str, reported.append)
    fault = ZeroDivisionError("a secret")

    def broken(_work):
        raise fault

    work = done(BackgroundTasks(failures).start("Planning", broken))

    assert FAULT.startswith(work.reasons[0].text[0].text)
    assert "secret" not in str(work.reasons)
    assert reported == [fault]


def test_previews_are_kept_up_to_a_number(desk):
    digests = []
    for day in range(1, KEPT + 3):
        desk.plans.append(replace(SMALL, as_of=SMALL.as_of.replace(day=day)))
        digests.append(done(desk.previews.make(())).address.partition("=")[2])

    for digest in digests[:2]:
        with pytest.raises(EngineError, match=NO_PREVIEW[:30]):
            desk.previews.find(digest)
    assert [desk.previews.find(one).digest for one in digests[2:]] == digests[2:]


def test_works_are_done_one_after_another_and_old_ones_are_forgotten():
    works, order = BackgroundTasks(Failures(str, lambda _error: None)), []
    first_began, first_may_end = Event(), Event()

    def first(_work):
        order.append("first begins")
        first_began.set()
        assert first_may_end.wait(60)
        order.append("first ends")
        return "/"

    started = works.start("one", first)
    assert first_began.wait(60)
    second = works.start("two", lambda _work: order.append("second") or "/ledger")
    first_may_end.set()

    assert (done(started).address, done(second).address) == ("/", "/ledger")
    assert order == ["first begins", "first ends", "second"]
    for _ in range(40):
        done(works.start("more", lambda _work: "/"))
    works.start("last", lambda _work: "/")
    assert works.find(started.id) is None
    assert works.find("no such work") is None
