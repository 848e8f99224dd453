"""A second service of one kind on one contract: made by an adjustment, one after the other."""

from tests.pipeline.files import decisions
from tests.pipeline.scene import Scene, actions, change_of, day, line_of, log, settled, statuses, subscription
from tests.pipeline.stories import REPEATED, services, twins


def test_a_second_subscription_of_one_service_gets_its_own_contract_service_by_an_adjustment():
    scene = settled()
    scene.files(REPEATED)
    made = twins(scene).sync()
    making = change_of(made, "subscription:twin")
    assert (making.action, making.entity, making.makes) == (
        "adjust", "ContractServiceAdjustments", ("subscription", "twin", "ContractServices"),
    )  # fmt: skip
    assert making.values["allowRepeatService"] is True
    assert "adds a further service of its kind to the contract" in making.notes
    assert services(scene) == [5, 12]
    assert scene.row("subscription", "twin")["psa_system_id"] != scene.row("subscription", "sub")["psa_system_id"]
    assert scene.state.pushed["license_change", "of twin"].proof
    assert actions(scene.plan()) == []


def test_two_of_one_kind_on_a_new_contract_are_both_made_one_after_the_other():
    scene = twins(Scene())
    scene.files(REPEATED)
    made = scene.plan()
    making = change_of(made, "subscription:twin")
    assert "subscription:sub" in making.needs
    assert scene.apply(made).complete
    assert services(scene) == [5, 12]
    assert actions(scene.plan()) == []


def test_three_of_one_kind_are_made_one_after_the_other():
    scene = twins(Scene())
    scene.files(REPEATED)
    scene.add("subscription", subscription("third", 2, name="Mail (kitchen)"))
    scene.add("license_change", log("of third", day(11, 2), 2, subscription="third"))
    scene.sync()
    assert services(scene) == [2, 5, 12]
    assert actions(scene.plan()) == []


def test_without_the_setting_a_second_one_is_refused_by_autotask_and_nothing_else_fails():
    scene = twins(settled())
    outcome = scene.apply(scene.plan())
    assert statuses(outcome)["subscription:twin"] == "failed"
    assert services(scene) == [12]


def test_a_second_one_without_a_change_waits_for_one_or_for_a_correction():
    scene = settled()
    scene.files(REPEATED)
    scene.add("subscription", subscription("twin", 5, name="Mail (reception)"))
    made = scene.plan()
    assert actions(made) == []
    assert line_of(made, "twin").class_ == "under-billed"
    scene.files(REPEATED, decisions("{mapping: subscription, key: twin, do: correct, reason: counted}"))
    scene.sync()
    assert services(scene) == [5, 12]
    assert actions(scene.plan()) == []
