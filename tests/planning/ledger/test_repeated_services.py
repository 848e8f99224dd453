"""A second service of one kind on one contract: made by an adjustment, one after the other."""

from tests.support.scene import (
    Scene,
    actions,
    change_of,
    codes,
    day,
    line_of,
    log,
    settled,
    subscription,
)
from tests.support.small_project import decisions
from tests.support.starting_points import REPEATED, services, twins


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
    assert (
        scene.row("subscription", "twin")["psa_system_id"]
        != scene.row("subscription", "sub")["psa_system_id"]
    )
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


def test_without_the_setting_a_second_one_is_held_since_autotask_would_refuse_it():
    scene = twins(settled())
    scene.add("subscription", subscription("backup", 3, product="yea", name="Backup"))
    scene.add("license_change", log("of backup", day(11, 2), 3, subscription="backup"))
    made = scene.sync()
    assert codes(made, "twin") == {("twin", "service-taken")}
    assert {key for key, _ in codes(made)} == {"twin", "of twin", "twin later"}
    assert services(scene) == [3, 12]


def test_a_second_one_without_a_change_waits_for_one_or_for_a_correction():
    scene = settled()
    scene.files(REPEATED)
    scene.add("subscription", subscription("twin", 5, name="Mail (reception)"))
    made = scene.plan()
    assert actions(made) == []
    assert line_of(made, "twin").class_ == "under-billed"
    scene.files(REPEATED, decisions(scene.correct("twin")))
    scene.sync()
    assert services(scene) == [5, 12]
    assert actions(scene.plan()) == []
