"""Requests are handed out and taken back: how many at a time, and when the loop wakes."""

from concurrent.futures import Future
from threading import Condition, Thread

from trueup.applying.ended_requests import EndedRequests

from tests.support.scene import account, settled


def test_an_entity_has_as_many_writes_at_a_time_as_it_takes():
    """Those that are ready besides are in the journal, and need no thread."""
    scene = settled()
    for number in range(12):
        scene.add("account", account(f"b{number}", name=f"Brook {number}", number=f"B-{number}"))
    scene.sync()
    for row in scene.source.tables["account"].values():
        row["phone"] = "22"
    made, patch = scene.plan(), scene.target.patch
    changed, at_a_time = Condition(), [0, 0]  # now, and at most

    def update(entity, number, values):
        with changed:
            at_a_time[0] += 1
            at_a_time[1] = max(at_a_time)
            changed.notify_all()
            changed.wait_for(lambda: at_a_time[1] >= 3, timeout=30)
            changed.wait_for(lambda: at_a_time[1] > 3, timeout=0.02)
            at_a_time[0] -= 1
        patch(entity, number, values)

    scene.target.patch = update
    assert scene.apply(made).complete
    assert at_a_time == [0, 3]


def test_answers_are_gathered_while_an_endpoint_has_enough_to_do():
    ended, first, second = EndedRequests(enough=2), Future(), Future()
    for _ in range(4):
        ended.expect("Companies")
    taken = []
    loop = Thread(target=lambda: taken.extend(gathered(ended, ["Companies"])))
    loop.start()

    ended.put("Companies", first)
    loop.join(0.1)
    assert (loop.is_alive(), taken) == (True, [])
    ended.put("Companies", second)
    loop.join(60)

    assert taken == [first, second]


def test_the_last_answers_are_not_waited_for_longer_than_they_take():
    ended, only = EndedRequests(enough=0), Future()
    ended.expect("Companies")
    ended.put("Companies", only)

    assert gathered(ended, []) == [only]


def gathered(ended, entities):
    """What the loop takes after it has waited."""
    assert ended.wait(60)
    ended.gather(entities, 60)
    return ended.take()
