"""A second state for the same tenant leaves signs, and the plan says so."""

from trueup.model.change import Action
from trueup.model.finding import Severity
from trueup.model.plan import Plan
from trueup.operations.open_state import forget_link
from trueup.planning.other_states import ANOTHER_STATE

from tests.support.fakes import FakeState
from tests.support.scene import Scene, account, autotask, contract, subscription, work365


def warnings(made: Plan) -> list[str]:
    return [one.text for one in made.findings if one.code == ANOTHER_STATE]


def two_states() -> tuple[Scene, FakeState]:
    """A scene whose state knows one customer, and the state that linked a second one later."""
    scene = Scene()
    scene.apply(scene.plan(targets=("customer",)))
    first = scene.state
    scene.lose_state()
    scene.add("account", account("two", name="Birken Immobilien", number="B-1"))
    scene.sync()
    second, scene.state = scene.state, first
    return scene, second


def test_identities_that_this_state_never_wrote_are_a_warning():
    scene, _ = two_states()

    made = scene.plan()

    (text,) = warnings(made)
    assert text.startswith("Autotask holds identities that this state never wrote: 1 of customer")
    assert "such as Birken Immobilien" in text
    assert next(one for one in made.findings if one.code == ANOTHER_STATE).severity is (
        Severity.WARNING
    )


def test_the_state_that_wrote_them_and_an_empty_one_say_nothing():
    scene, second = two_states()
    scene.state = second
    assert warnings(scene.plan()) == []

    scene.lose_state()
    assert warnings(scene.plan()) == []


def test_a_link_that_a_person_removed_is_no_sign():
    scene = Scene()
    scene.sync()
    forget_link(scene.state, "ada", "customer", "acc", "linked by mistake")

    assert warnings(scene.plan()) == []


def test_a_number_that_a_person_typed_is_no_sign_although_it_contains_the_key():
    rows = {"billing_contract": [contract("1")], "subscription": [subscription(contract="1")]}
    scene = Scene(tables={**work365(), **rows}, records=autotask())
    scene.apply(scene.plan(targets=("customer", "service")))

    made = scene.plan()

    assert ("contract", ("1",), Action.LINK) in [
        (one.mapping, one.keys, one.action) for one in made.changes
    ]
    assert warnings(made) == []
