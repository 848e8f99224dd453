"""A create is done only with a record that is recognised as its own.

The identity decides. Where it is not kept, or only its beginning, a match key of the row must fit;
without a match key, every value that was sent. A customer has a match key, a service has none.
"""

from decimal import Decimal

import pytest
from trueup.applying.manual_settlement import Settlement, check_by_reading, settle
from trueup.errors import StateError
from trueup.model.outcome import ChangeStatus

from tests.support.scene import Fault, Scene, account, actions, outcome_of, product, settled
from tests.support.small_project import decisions

IDENTITY = "udf.Work 365 Id"
CHANGES = {"Companies": "customer:acc", "Services": "service:yea"}
OURS, QUESTION, OTHER = "ours", "a question", "another one"

CUSTOMERS = [
    ({}, OURS),
    ({"companyNumber": "B-1"}, OURS),
    ({IDENTITY: None}, OURS),
    ({IDENTITY: None, "companyName": "Brook Ltd"}, OURS),
    ({IDENTITY: None, "companyNumber": "B-1"}, QUESTION),
    ({IDENTITY: "ac"}, OURS),
    ({IDENTITY: "acc (1)"}, OURS),
    ({IDENTITY: "ac", "companyNumber": "A"}, QUESTION),
    ({IDENTITY: "other"}, QUESTION),
    ({IDENTITY: "other", "companyName": "Brook Ltd"}, QUESTION),
    ({IDENTITY: "other", "companyNumber": "B-1"}, OTHER),
]
SERVICES = [
    ({}, OURS),
    ({"unitPrice": Decimal(1)}, OURS),
    ({"externalID": None}, OURS),
    ({"externalID": None, "unitPrice": Decimal(1)}, QUESTION),
    ({"externalID": "ye"}, OURS),
    ({"externalID": "ye", "name": "Mail"}, QUESTION),
    ({"externalID": "other"}, QUESTION),
    ({"externalID": "other", "unitPrice": Decimal(1)}, OTHER),
]
ANSWERED = [
    *(("Companies", kept, whose) for kept, whose in CUSTOMERS),
    *(("Services", kept, whose) for kept, whose in SERVICES),
]
"""What the target keeps of a record otherwise than it was sent, and what follows from it."""


def keeps(scene: Scene, entity: str, *, hidden: bool = False, **kept: object) -> None:
    """The target keeps `kept` of the next record of an entity, and does not show it if hidden."""
    insert = scene.target.insert

    def answered(name: str, values: dict[str, object]) -> int:
        if name != entity:
            return insert(name, values)
        scene.target.insert = insert
        record = insert(name, {**values, **kept})
        if hidden:
            scene.target.hidden.add((name, record))
        return record

    scene.target.insert = answered


def hidden_record(entity: str, kept: dict[str, object]) -> tuple[Scene, int]:
    """A run with a create in doubt, because its record is not shown; and the id of that record."""
    scene = Scene()
    keeps(scene, entity, hidden=True, **kept)
    scene.apply(scene.plan())
    ((_, record),) = scene.target.hidden
    return scene, record


def statement(scene: Scene, change: str, record: int | None = None) -> Settlement:
    """A person states that the change made this record, or none."""
    return Settlement(change, record is not None, record, "looked", scene.clock.now())


def refusal(scene: Scene, change: str, record: int | None = None) -> str:
    """Returns why such a statement is refused; "" if it is not."""
    try:
        check_by_reading(scene.project, scene.world, statement(scene, change, record))
    except StateError as error:
        return str(error)
    return ""


def row_of(change: str) -> tuple[str, str]:
    """Returns mapping and key of the row of a change."""
    mapping, _, key = change.partition(":")
    return mapping, key


def say(scene: Scene, change: str, record: int | None = None) -> None:
    """Records such a statement, once no request can be under way."""
    scene.wait(301)
    lease = scene.state.acquire("me")
    settle(scene.project, scene.state, lease, statement(scene, change, record))
    scene.state.release(lease)


@pytest.mark.parametrize(("entity", "kept", "whose"), ANSWERED)
def test_a_record_is_recognised_by_its_identity_else_by_a_match_key_or_all_values(
    entity, kept, whose
):
    scene = Scene()
    keeps(scene, entity, **kept)

    change = outcome_of(scene.apply(scene.plan()), CHANGES[entity])

    is_linked = tuple(change.change.split(":")) in scene.state.links
    if whose is OURS:
        assert change.status is (ChangeStatus.NOT_KEPT if kept else ChangeStatus.APPLIED)
        assert is_linked
    else:
        assert change.status is ChangeStatus.IN_DOUBT
        assert not is_linked


@pytest.mark.parametrize(("entity", "kept", "whose"), ANSWERED)
def test_a_record_that_is_shown_late_is_recognised_by_the_same_rule(entity, kept, whose):
    scene, record = hidden_record(entity, kept)
    change, made = CHANGES[entity], len(scene.target.records[entity])
    scene.target.hidden.clear()

    # What reading shows is not overruled. A person answers a question either way.
    assert ("reading shows that it took effect" in refusal(scene, change)) == (whose is OURS)
    other = "is not the record that was created"
    assert (other in refusal(scene, change, record)) == (whose is OTHER)

    is_in_doubt = outcome_of(scene.resume(), change).status is ChangeStatus.IN_DOUBT
    assert is_in_doubt == (whose is not OURS)
    assert len(scene.target.records[entity]) == made


@pytest.mark.parametrize(
    ("entity", "kept"), [(entity, kept) for entity, kept, whose in ANSWERED if whose is QUESTION]
)
def test_a_record_in_question_that_a_person_names_is_the_one_of_the_row(entity, kept):
    scene, record = hidden_record(entity, kept)
    change, made = CHANGES[entity], len(scene.target.records[entity])
    scene.target.hidden.clear()

    say(scene, change, record)

    assert scene.resume().complete
    assert scene.state.links[row_of(change)].record == record
    assert len(scene.target.records[entity]) == made


def test_a_record_that_the_create_was_not_answered_with_needs_more_than_a_match_key():
    scene, _ = hidden_record("Companies", {})
    scene.target.records["Companies"][5] = {"id": 5, "companyNumber": "A-1", IDENTITY: "other"}

    assert f"its {IDENTITY} is 'other' and not 'acc'; if it is, set" in refusal(
        scene, "customer:acc", 5
    )


def test_a_record_that_was_linked_to_another_row_is_not_the_one_of_a_create():
    """Its identity was never kept, and all other values are equal."""
    scene = settled()
    scene.add("product", product("new"))
    made = scene.plan()
    record = scene.state.links["service", "pro"].record
    scene.target.records["Services"][record]["externalID"] = None
    scene.target.insert = lambda *_: record

    change = outcome_of(scene.apply(made), "service:new")

    assert change.status is ChangeStatus.IN_DOUBT
    assert change.text.endswith(
        f"Autotask answered with Services {record}, and it is the record of service pro"
    )
    assert ("service", "new") not in scene.state.links
    assert "is the record of service pro already" in refusal(scene, "service:new", record)
    assert refusal(scene, "service:new") == ""


def test_a_record_that_was_there_before_the_run_is_not_the_one_of_a_create():
    """A person decided against the company of that number."""
    scene = settled()
    scene.add("account", account("b", name="Brook Ltd", number="A-1"))
    scene.files(decisions("{mapping: customer, key: b, do: create, reason: another one}"))
    made = scene.plan()
    assert actions(made) == [("create", "customer")]
    company = scene.target.only("Companies")
    scene.target.insert = lambda *_: company["id"]
    scene.state.links.pop(("customer", "acc"))
    company[IDENTITY] = None

    change = outcome_of(scene.apply(made), "customer:b")

    assert change.status is ChangeStatus.IN_DOUBT
    assert change.text.endswith("and it was there before the run")


@pytest.mark.parametrize(
    ("entity", "kept"), [(entity, kept) for entity, kept, whose in ANSWERED if whose is OURS]
)
def test_a_record_that_is_shown_after_its_create_was_given_up_is_not_made_twice(entity, kept):
    """A person stated that there is none, while it was not shown."""
    scene, record = hidden_record(entity, kept)
    change, made = CHANGES[entity], len(scene.target.records[entity])
    assert refusal(scene, change) == ""
    say(scene, change)
    scene.target.hidden.clear()

    status = outcome_of(scene.resume(), change).status

    assert status is (ChangeStatus.NOT_KEPT if kept else ChangeStatus.APPLIED)
    assert scene.state.links[row_of(change)].record == record
    assert len(scene.target.records[entity]) == made
    assert actions(scene.plan()) == []


def test_a_record_whose_create_was_not_answered_is_read_back_once_it_is_found():
    scene = Scene()
    keeps(scene, "Companies", companyNumber="B-1")
    scene.target.faults.append(Fault("unheard", "Companies", "create"))

    outcome = scene.apply(scene.plan())

    assert outcome_of(outcome, "customer:acc").status is ChangeStatus.NOT_KEPT
    assert actions(scene.plan()) == []


@pytest.mark.parametrize("kept", [{}, {IDENTITY: None}, {IDENTITY: "ac"}])
def test_a_record_with_the_identity_of_the_row_holds_the_create_that_was_given_up(kept):
    """The record that the create was answered with fits as well: the plan has to ask."""
    scene, record = hidden_record("Companies", kept)
    say(scene, "customer:acc")
    scene.target.hidden.clear()
    shown = scene.target.records["Companies"][record]
    other = record + 100
    scene.target.records["Companies"][other] = {**shown, "id": other, IDENTITY: "acc"}

    change = outcome_of(scene.resume(), "customer:acc")

    assert change.status is ChangeStatus.HELD
    assert change.text.startswith(f"Companies {other} has this row's identity now")
    assert ("customer", "acc") not in scene.state.links
    assert scene.target.records["Contracts"] == {}


@pytest.mark.parametrize("kept", [{}, {IDENTITY: None}, {IDENTITY: "ac"}])
def test_two_records_that_are_shown_after_their_creates_were_given_up_hold_the_create(kept):
    scene, one = hidden_record("Companies", kept)
    say(scene, "customer:acc")
    keeps(scene, "Companies", hidden=True, **kept)
    scene.resume()
    (other,) = scene.target.records["Companies"].keys() - {one}
    say(scene, "customer:acc")
    scene.target.hidden.clear()

    change = outcome_of(scene.resume(), "customer:acc")

    assert change.status is ChangeStatus.HELD
    assert change.text == f"Companies {one}, {other} may each be this row's record"
    assert scene.target.records["Contracts"] == {}


def test_a_record_in_question_that_fits_holds_the_create_that_was_given_up():
    """It is not the run's own any more."""
    scene, record = hidden_record("Companies", {IDENTITY: "other"})
    say(scene, "customer:acc")
    scene.target.hidden.clear()

    change = outcome_of(scene.resume(), "customer:acc")

    assert change.status is ChangeStatus.HELD
    assert f"Companies {record} fits this row by companyNumber" in change.text
    assert [*scene.target.records["Companies"]] == [record]
