"""What the nouns say of themselves."""

import pytest
from trueup.model.catalogue import Entity, Field, Type
from trueup.model.change import Action, Change
from trueup.model.finding import Finding, Place, Severity, named_apart
from trueup.model.mapping import MappingSpec, SourceSpec, TargetSpec, Value
from trueup.model.mapping_state import MappingState
from trueup.model.outcome import ChangeOutcome, ChangeStatus, Outcome
from trueup.model.project import Connection

HERE = Place("mappings/x.yaml", 4, 5)


def test_a_place_is_written_as_compilers_do():
    assert str(HERE) == "mappings/x.yaml:4:5"
    assert str(Place("trueup.yaml")) == "trueup.yaml"


def test_a_finding_is_a_line_with_its_place_and_what_to_do():
    finding = Finding("rule", Severity.ERROR, "is wrong", "mend it", HERE)
    assert finding.line() == "mappings/x.yaml:4:5: is wrong\n    → mend it"
    assert Finding("rule", Severity.INFO, "is shown").line() == "is shown"


FIRST, SECOND = "96ad5b93-1111-4aaa-8aaa-000000000001", "0b17c3d4-1111-4aaa-8aaa-000000000002"
LIKE_FIRST = "96ad5b93-1111-4aaa-8aaa-000000000003"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"a": "Mail", "b": "Disk"}, ["Mail", "Disk"]),
        ({"a": "Mail", "b": "Disk", "c": "Mail"}, ["Mail (a)", "Disk", "Mail (c)"]),
        ({FIRST: "Mail", SECOND: "Mail"}, ["Mail (96ad5b93)", "Mail (0b17c3d4)"]),
        ({FIRST: "Mail", LIKE_FIRST: "Mail"}, [f"Mail ({FIRST})", f"Mail ({LIKE_FIRST})"]),
    ],
)
def test_rows_with_one_name_are_told_apart_by_their_keys(names, expected):
    named = named_apart(names)

    assert [named[key] for key in names] == expected


def test_a_finding_as_json_has_what_is_set_and_nothing_else():
    assert Finding("r", Severity.WARNING, "t").as_json() == {
        "code": "r",
        "severity": "warning",
        "text": "t",
    }
    assert Finding("r", Severity.HOLD, "t", "m", HERE, "customer", "k", "Alpine").as_json() == {
        "code": "r",
        "severity": "hold",
        "text": "t",
        "place": "mappings/x.yaml:4:5",
        "remedy": "m",
        "mapping": "customer",
        "key": "k",
        "name": "Alpine",
    }


@pytest.mark.parametrize(
    ("field", "create", "update"),
    [
        (Field("a", Type.TEXT), True, True),
        (Field("a", Type.TEXT, readonly=True), False, False),
        (Field("a", Type.TEXT, readonly=True, create_only=True), True, False),
        (Field("a", Type.TEXT, create_only=True), True, False),
    ],
)
def test_a_field_has_when_it_may_be_written(field, create, update):
    assert (field.writable_on_create(), field.writable_on_update()) == (create, update)


def test_a_user_defined_field_is_text_where_an_entity_may_have_some():
    fields = {"name": Field("name", Type.TEXT), "udf.Seats": Field("udf.Seats", Type.INTEGER)}
    for capable in ("yes", "uncertain"):
        entity = Entity("Companies", frozenset(), fields, udf_capable=capable)
        assert entity.field("udf.Work 365 Id") == Field("udf.Work 365 Id", Type.TEXT)
        assert entity.field("udf.Seats").type is Type.INTEGER
        assert entity.field("nobody") is None
    assert Entity("Units", frozenset(), fields).field("udf.Work 365 Id") is None


def test_only_an_adjustment_is_appended():
    changes = [Change("c", action, "m", ("k",), "n", "t", "E", HERE) for action in Action]

    assert [change.action for change in changes if change.is_append] == [Action.ADJUST]


@pytest.mark.parametrize(
    ("depth", "is_undo", "takes_back"),
    [(0, False, False), (1, True, True), (2, True, False), (3, True, True)],
)
def test_an_undo_of_an_undo_does_the_change_again(depth, is_undo, takes_back):
    change = Change("c", Action.UPDATE, "m", ("k",), "n", "t", "E", HERE, undo_depth=depth)
    assert (change.is_undo, change.takes_back) == (is_undo, takes_back)


def test_an_id_has_no_meaning_for_undo():
    change = Change("undo:m:k", Action.UPDATE, "m", ("k",), "n", "t", "E", HERE)
    assert not change.takes_back


@pytest.mark.parametrize(
    ("statuses", "more", "complete"),
    [
        ((), {}, True),
        ((ChangeStatus.APPLIED, ChangeStatus.ALREADY), {}, True),
        ((ChangeStatus.APPLIED, ChangeStatus.HELD), {}, False),
        ((ChangeStatus.APPLIED,), {"remaining": 1}, False),
        ((ChangeStatus.APPLIED,), {"has_unread": True}, False),
    ],
)
def test_an_outcome_is_complete_when_everything_is_as_wanted(statuses, more, complete):
    changes = tuple(
        ChangeOutcome("c", "n", status, mapping="m", action=Action.UPDATE) for status in statuses
    )
    assert Outcome("r", changes, **more).complete is complete


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("{{ a }}", True),
        ("{% x %}", True),
        ("{# #}", True),
        ("{a}", False),
        ("", False),
        (5, False),
    ],
)
def test_a_value_with_braces_that_count_is_code(raw, code):
    assert Value(raw, HERE).is_code is code


def test_a_connection_keeps_its_options_to_itself():
    assert "hush" not in repr(Connection("autotask", {"secret": "hush"}, HERE))


def standing():
    mapping = MappingSpec("m", "M", "M", SourceSpec("t", HERE), TargetSpec("E", HERE), {}, HERE)
    made = MappingState(mapping, {"k": {}})
    made.ready["k"], made.referable["k"], made.repeats["k"] = (), 5, {}
    made.changes["k"] = [Change("c", Action.LINK, "m", ("k",), "n", "t", "E", HERE)]
    return made


def test_a_blocked_row_is_nothing_else_and_keeps_the_first_reason_why():
    made = standing()
    first, second = Finding("a", Severity.ERROR, "x"), Finding("b", Severity.ERROR, "y")
    made.block("k", first, ("customer", "a1"))
    made.block("k", second, ("service", "s1"))
    assert (made.ready, made.referable, made.changes, made.repeats) == ({}, {}, {}, {})
    assert made.blocked == {"k": [first, second]}
    assert made.because == {"k": ("customer", "a1")}


def test_a_row_that_is_left_out_is_nothing_else():
    made = standing()
    finding = Finding("a", Severity.SKIP, "x")
    made.skip("k", finding)
    assert (made.ready, made.referable, made.changes, made.repeats, made.blocked) == (
        {},
        {},
        {},
        {},
        {},
    )
    assert made.skipped == {"k": finding}
