"""Apply and resume ask for the approval that the project's `approval:` asks for."""

import pytest
from msgspec.structs import replace
from trueup.errors import ApprovalMissing, EngineError, StalePlan
from trueup.model.approval import Lack, Statement
from trueup.model.document import dumps
from trueup.model.plan import Plan
from trueup.model.run import RunStatus
from trueup.operations.approve import record_statement_in

from tests.support.fakes import FakeState
from tests.support.scene import Fault, Scene
from tests.support.small_project import changed


def asking(text: str) -> dict[str, str]:
    """The project with this under `approval:`."""
    return changed("trueup.yaml", "settings:\n", f"approval: {{{text}}}\nsettings:\n")


PEOPLE = "roles: {decide: [anna], approve: [ben, carla]}"
ASKS = asking(f"above: 10, {PEOPLE}")
TWO = asking(f"above: 10, second_above: 20, {PEOPLE}")
"""The plan of the scene moves more than either amount."""


def scene(*files: dict[str, str]) -> Scene:
    found = Scene()
    found.files(*files)
    return found


def say(at: Scene, made: Plan, who: str, statement: Statement = Statement.YES, reason: str = ""):
    return record_statement_in(at.project, at.state, dumps(made), who, statement, reason)


@pytest.fixture
def at() -> Scene:
    return scene(ASKS)


def test_without_the_setting_nothing_asks_for_an_approval():
    plain = scene()

    assert plain.apply(plain.plan()).complete
    with pytest.raises(EngineError, match="no `approval:`"):
        say(plain, plain.plan(), "ben")


def test_a_plan_without_its_approval_is_refused_and_nothing_is_begun(at):
    with pytest.raises(ApprovalMissing, match=r"above £10\.00, and it is not approved"):
        at.apply(at.plan())

    assert at.target.sent == []
    assert at.state.runs() == []


def test_a_plan_that_moves_little_needs_none():
    little = scene(asking("above: 100000, roles: {approve: [ben]}"))

    assert little.apply(little.plan()).complete


def test_any_user_may_apply_an_approved_plan(at):
    made = at.plan()
    say(at, made, "ben", reason="seen")

    assert at.apply(made, who="nightly").complete


def test_an_approval_leaves_the_state_as_the_plan_was_made_for(at):
    before = at.state.load()
    say(at, at.plan(), "ben")

    assert at.state.load() == before


def test_a_plan_that_comes_out_the_same_keeps_its_approval(at):
    say(at, at.plan(), "ben")

    assert at.apply(at.plan()).complete


def test_a_plan_that_changed_needs_a_new_one(at):
    say(at, at.plan(), "ben")
    at.row("account")["name"] = "Alpine"  # no money at all

    with pytest.raises(ApprovalMissing):
        at.apply(at.plan())


def test_other_people_in_the_project_do_not_make_the_plan_stale(at):
    made = at.plan()
    say(at, made, "ben")
    at.files(asking("above: 1, roles: {approve: [ben]}"))

    assert at.apply(made).complete


def test_an_approval_that_was_taken_back_is_none(at):
    made = at.plan()
    say(at, made, "ben")
    say(at, made, "ben", Statement.WITHDRAW)

    with pytest.raises(ApprovalMissing):
        at.apply(made)


def test_above_the_second_amount_the_one_who_prepared_it_is_not_the_second_person():
    two = scene(TWO)
    made = two.plan()
    say(two, made, "ben", Statement.ASK)
    assert say(two, made, "ben").lacks is Lack.SECOND_PERSON

    with pytest.raises(ApprovalMissing, match="two people must answer for it, and ben is the only"):
        two.apply(made)
    assert say(two, made, "carla").lacks is None
    assert two.apply(made).complete


def test_the_same_person_does_not_say_yes_twice():
    two = scene(TWO)
    made = two.plan()
    say(two, made, "ben")

    with pytest.raises(EngineError, match="BEN approved this plan already; a second person must"):
        say(two, made, "BEN")


@pytest.mark.parametrize(
    ("who", "statement", "text"),
    [
        ("anna", Statement.YES, "anna may not approve plans"),
        ("anna", Statement.NO, "anna may not refuse plans"),
        ("nightly", Statement.ASK, "nightly may not ask for an approval"),
        ("ben", Statement.WITHDRAW, "neither approved nor refused"),
    ],
)
def test_who_may_not_say_that_is_refused_and_nothing_is_written(at, who, statement, text):
    with pytest.raises(EngineError, match=text):
        say(at, at.plan(), who, statement)

    assert at.state.audit() == []


def test_an_approval_is_requested_once(at):
    made = at.plan()
    say(at, made, "anna", Statement.ASK)

    with pytest.raises(EngineError, match="anna asked for this approval already, on 2026-11-15"):
        say(at, made, "carla", Statement.ASK)


def test_over_the_limit_of_the_role_a_yes_is_refused():
    limited = scene(asking("above: 10, roles: {approve: [ben]}, limits: {approve: 11}"))

    with pytest.raises(EngineError, match=r"ben may approve up to £11\.00, and this plan moves £"):
        say(limited, limited.plan(), "ben")


def test_a_plan_that_can_not_be_applied_any_more_is_not_approved(at):
    early = at.plan()
    say(at, early, "ben")
    at.apply(early)

    with pytest.raises(StalePlan, match="approve that plan"):
        say(at, early, "carla")


# Resume


def broken(at: Scene) -> Plan:
    """A run that was approved and stopped in the middle: some of it is left."""
    made = at.plan()
    say(at, made, "ben")
    at.target.faults = [Fault("used up", "Contracts")]
    outcome = at.apply(made)
    assert outcome.remaining
    at.target.faults = []
    return made


def test_a_run_whose_plan_was_approved_is_resumed(at):
    broken(at)

    assert at.resume().complete


def test_a_run_whose_approval_was_taken_back_sends_nothing_more_and_stays_open(at):
    made = broken(at)
    say(at, made, "ben", Statement.WITHDRAW)
    sent = len(at.target.sent)

    outcome = at.resume()

    run = at.state.runs()[0]
    assert len(at.target.sent) == sent
    assert run.status is RunStatus.INTERRUPTED
    assert f"`trueup approve {run.id}` approves" in outcome.stopped
    say(at, made, "carla")
    assert at.resume().complete


def test_what_is_in_doubt_is_settled_without_an_approval(at):
    made = at.plan()
    say(at, made, "ben")
    at.target.faults = [Fault("unheard", "Companies")]
    at.target.on_write = lambda *_: setattr(at.target, "hidden", {("Companies", 1000)})
    at.apply(made)
    at.target.on_write, at.target.hidden = lambda *_: None, set()
    say(at, made, "ben", Statement.WITHDRAW)
    at.wait(1000)
    assert at.state.in_doubt()

    at.resume()

    assert not at.state.in_doubt()


# Other states


def test_an_approval_moves_with_an_exported_state(at):
    made = at.plan()
    say(at, made, "ben")
    exported = at.state.export()
    at.state = FakeState(at.clock)
    at.state.import_(exported)

    assert at.apply(made).complete


def test_an_amount_that_is_no_longer_that_of_the_plan_is_not_approved(at):
    made = at.plan()
    say(at, made, "ben")
    (entry,) = at.state.audited
    other = replace(entry.event, amount=entry.event.amount - 1)
    at.state.audited = [replace(entry, event=other)]

    with pytest.raises(ApprovalMissing):
        at.apply(made)
