"""Changes are handed out in batches that do not depend on which write is faster."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.model.change import Action, Change
from trueup.stages.batches import BatchSchedule, batches

from tests.stages.examples import change

ENTITIES = ("Companies", "Contracts", "Services")


@st.composite
def plans(draw: st.DrawFn) -> list[Change]:
    """Changes of which each may need earlier ones."""
    made: list[Change] = []
    for number in range(draw(st.integers(1, 24))):
        earlier = st.integers(0, number - 1)
        needs = draw(st.sets(earlier, max_size=2)) if number else frozenset[int]()
        entity, action = draw(st.sampled_from(ENTITIES)), Action.UPDATE
        match draw(st.integers(0, 5)):
            case 0:
                action = Action.LINK
            case 1:
                entity, action = "subscription", Action.WRITE_BACK
        needed = [f"c{one}" for one in sorted(needs)]
        made.append(replace(change(f"c{number}", needed), entity=entity, action=action))
    return made


def overlapping(changes: Sequence[Change], size: int, random: Random) -> list[list[Change]]:
    """The batches of a run in which a batch begins while the one before it is still written.

    Of what is in flight, any change may be the next one to end.
    """
    schedule, taken = BatchSchedule(changes, size), list[list[Change]]()
    before: list[Change] = []  # in flight, of the batch before

    def end_one(queue: list[Change]) -> None:
        schedule.complete(queue.pop(random.randrange(len(queue))).id)

    while batch := schedule.take():
        taken.append(batch)
        current = [*batch]
        while before:
            end_one(random.choice([queue for queue in (before, current) if queue]))
        schedule.look_ahead()
        # Where the next batch is ahead, some may still be in flight when it is taken.
        left = random.randint(0, len(current)) if schedule.ahead else 0
        while len(current) > left:
            end_one(current)
        before = current
    return taken


@given(plans(), st.integers(1, 6), st.randoms(use_true_random=False))
def test_batches_that_overlap_are_those_whose_calls_the_plan_has_counted(changes, size, random):
    assert overlapping(changes, size, random) == [*batches(changes, size)]


@given(plans(), st.integers(1, 6), st.randoms(use_true_random=False))
def test_nothing_is_handed_out_before_what_it_needs_has_ended(changes, size, random):
    """The batch ahead needs nothing of the current one; each one is handed out once."""
    taken = overlapping(changes, size, random)
    number = {one.id: at for at, batch in enumerate(taken) for one in batch}

    assert sorted(one.id for batch in taken for one in batch) == sorted(one.id for one in changes)
    assert all(number[need] < number[one.id] for one in changes for need in one.needs)


def test_a_batch_is_ahead_only_where_it_needs_nothing_of_the_current_one():
    changes = [change(f"a{number}") for number in range(4)]
    changes += [change("b", ["a3"]), change("c")]
    schedule = BatchSchedule(changes, 2)

    first = schedule.take()
    schedule.look_ahead()
    second = schedule.take()
    schedule.complete("a3")  # early: the batch before has not ended
    for one in first:
        schedule.complete(one.id)
    schedule.look_ahead()

    assert [one.id for one in second] == ["a2", "a3"]
    assert schedule.ahead == []  # c alone is no batch, and b was not ready


@given(plans(), st.integers(1, 6))
def test_write_backs_have_batches_of_their_own_once_one_is_full_or_nothing_else_is_ready(
    changes, size
):
    schedule = BatchSchedule(changes, size)
    taken, done = set[str](), set[str]()
    while batch := schedule.take():
        ready = [one for one in changes if one.id not in taken and done.issuperset(one.needs)]
        if any(one.action is Action.LINK for one in ready):
            assert all(one.action is Action.LINK for one in batch)
        else:
            rows = [one for one in ready if one.action is Action.WRITE_BACK]
            if any(one.action is Action.WRITE_BACK for one in batch):
                assert all(one.action is Action.WRITE_BACK for one in batch)
                assert len(rows) >= size or rows == ready
            else:
                assert rows != ready

        before = {*taken}
        taken |= {one.id for one in batch}
        schedule.look_ahead()
        done = before if schedule.ahead else {*taken}
        for one in batch:
            schedule.complete(one.id)


def test_rows_of_several_steps_are_written_back_in_one_batch():
    changes = list[Change]()
    for number in range(3):
        changes.append(change(f"step{number}", [f"step{number - 1}"] if number else []))
        row = change(f"row{number}", [f"step{number}"])
        changes.append(replace(row, entity="subscription", action=Action.WRITE_BACK))

    batch = [one.id for one in [*batches(changes, 100)][-1]]

    assert batch == ["row0", "row1", "row2"]
