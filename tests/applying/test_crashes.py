"""A run that is killed and resumed ends as one that was never disturbed.

It is killed at any write of the journal, or to Autotask.
"""

from decimal import Decimal
from functools import cache

import pytest
from trueup.model.plan import Plan

from tests.support.crashing import Killed, killed, kills_at_write, recover
from tests.support.scene import LINE, Scene, account, actions, day, kept, log, settled, subscription
from tests.support.small_project import changed
from tests.support.starting_points import REPEATED, twins

DEACTIVATES = changed("mappings/customer.yaml", "when_missing: report", "when_missing: deactivate")


def everything_new() -> Scene:
    return Scene()


def links_and_updates() -> Scene:
    """Autotask keeps some of it by hand; a day's changes are merged, and some cancel out."""
    scene = kept()
    scene.target.by_hand(LINE, day(1, 1), 3)
    scene.row("account")["phone"] = "2"
    scene.add(
        "license_change",
        log("third", day(11, 20), 1),
        log("fourth", day(11, 25), 2),
        log("fifth", day(11, 25), -2),
    )
    scene.row("subscription")["quantity"] = Decimal(16)
    return scene


def further_services() -> Scene:
    scene = twins(settled())
    scene.files(REPEATED, DEACTIVATES)
    scene.add("account", account("gone", name="Brook Ltd", number="B-1"))
    scene.sync()
    scene.add("subscription", subscription("third", 2, name="Mail (kitchen)"))
    scene.add(
        "license_change",
        log("of third", day(11, 3), 2, subscription="third"),
        log("more", day(11, 22), 1),
    )
    scene.row("subscription", "sub")["quantity"] = Decimal(13)
    del scene.source.tables["account"]["gone"]
    return scene


STORIES = [everything_new, links_and_updates, further_services]


@cache
def planned(story) -> tuple[Scene, Plan]:
    scene = story()
    return scene, scene.plan()


def beginning(story) -> tuple[Scene, Plan]:
    """A scene of a story of one's own, and its plan."""
    scene, made = planned(story)
    return scene.copy(), made


@cache
def undisturbed(story) -> dict:
    scene, made = beginning(story)
    assert scene.apply(made).complete
    return scene.picture()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_killed_at_any_write_of_the_journal_it_ends_as_if_undisturbed(story, after):
    wanted = undisturbed(story)
    nth = 0
    while True:
        nth += 1
        scene, made = beginning(story)
        if not killed(
            scene, lambda scene=scene, made=made: scene.apply(made), nth=nth, after=after
        ):
            break
        recover(scene)
        assert scene.picture() == wanted, (nth, after)
        assert actions(scene.plan()) == [], (nth, after)
    assert nth > 8


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_killed_at_any_write_to_autotask_it_ends_as_if_undisturbed(story, after):
    wanted = undisturbed(story)
    nth = 0
    while True:
        nth += 1
        scene, made = beginning(story)
        kills_at_write(scene.target, nth, after=after)
        try:
            scene.apply(made)
        except Killed:
            del scene.target._faulty
            recover(scene)
            assert scene.picture() == wanted, (nth, after)
        else:
            break
    assert nth > 3


def test_killed_again_and_again_while_resuming_it_ends_as_if_undisturbed():
    wanted = undisturbed(links_and_updates)
    scene, made = beginning(links_and_updates)
    assert killed(scene, lambda: scene.apply(made), nth=3, after=True)
    for nth in (1, 2, 3, 2, 4, 3, 5):
        scene.wait(301)
        if scene.state.load().open_runs:
            killed(scene, scene.resume, nth=nth, after=nth % 2 == 0)
    recover(scene)
    assert scene.picture() == wanted


def test_killed_and_settled_too_early_nothing_is_sent_a_second_time():
    for nth in range(2, 12):
        scene, made = beginning(everything_new)
        if not killed(scene, lambda scene=scene, made=made: scene.apply(made), nth=nth, after=True):
            break
        scene.wait(1)
        if scene.state.load().open_runs:
            scene.resume()
        recover(scene)
        identities = [str(sorted(values.items(), key=str)) for _, _, values in scene.target.sent]
        assert len(identities) == len(set(identities)), nth
        assert scene.picture() == undisturbed(everything_new)


@cache
def undo_planned() -> tuple[Scene, Plan]:
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 26), 1))
    scene.row("subscription")["quantity"] = Decimal(16)
    scene.sync()
    return scene, scene.plan(undo=scene.state.runs()[-1].id)


def undo_ahead() -> tuple[Scene, Plan]:
    """Units, fields and marks are about to go back."""
    scene, made = undo_planned()
    return scene.copy(), made


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_undo_that_is_killed_at_any_write_of_the_journal_ends_as_if_undisturbed(after):
    scene, made = undo_ahead()
    assert scene.apply(made).complete
    wanted = scene.picture()
    for nth in range(1, 30):
        scene, made = undo_ahead()
        if not killed(
            scene, lambda scene=scene, made=made: scene.apply(made), nth=nth, after=after
        ):
            break
        if not scene.state.load().open_runs and scene.picture() != wanted:
            made = scene.plan(undo=made.undo_of)
            assert scene.apply(made).complete
        while scene.state.load().open_runs:
            scene.wait(301)
            scene.resume()
        assert scene.picture() == wanted, (nth, after)
    assert nth > 8
