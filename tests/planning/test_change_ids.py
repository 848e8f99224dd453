"""Ids of changes are unique whatever the keys of rows are; a key never stands for another fact."""

from collections import Counter
from itertools import product

from trueup.planning.change_ids import change_id, correction_id, link_id, mark_id, move_id

from tests.support.scene import settled

PARTS = ["a", "link", "mark", "correct", "move", "undo", ":", "%", "7"]
KEYS = {"".join(parts) for many in (1, 2, 3) for parts in product(PARTS, repeat=many)}


def ids(mapping, key):
    """All ids of changes of a row with that key."""
    found = [make(mapping, key) for make in (change_id, link_id, mark_id, correction_id)]
    return [*found, move_id(mapping, key, None), move_id(mapping, key, 7)]


def test_no_id_of_a_row_is_another_id_of_any_row():
    every = [id_ for mapping in ("a", "correct") for key in KEYS for id_ in ids(mapping, key)]

    assert [id_ for id_, many in Counter(every).items() if many > 1] == []


def test_ids_of_plain_keys_are_the_key_itself():
    key = "7f3a0000-0000-4000-8000-000000000001"

    assert change_id("customer", key) == f"customer:{key}"
    assert link_id("customer", key) == f"customer:{key}:link"


def test_a_row_whose_key_ends_like_an_id_takes_no_change_of_another_row():
    """The link of `acc` and the create of `acc:link` had one id: the link was lost."""
    scene = settled()
    scene.lose_state()
    account = scene.row("account")
    other = {"id": f"{account['id']}:link", "name": "Beta Works", "phone": "+41 44 668 18 00"}
    scene.add("account", {**account, **other})

    made = scene.plan()
    scene.apply(made)

    assert len({change.id for change in made.changes}) == len(made.changes)
    assert {("customer", key) for key in ("acc", "acc:link")} <= scene.state.load().links.keys()
    assert scene.plan().changes == ()
