"""Cycles among names that need each other."""

import pytest
from trueup.config.checks.cycles import find_cycles


@pytest.mark.parametrize(
    ("needs", "cycles"),
    [
        ([], []),
        ([("b", "a"), ("c", "a"), ("c", "b")], []),
        ([("a", "a")], [["a", "a"]]),
        ([("c", "b"), ("b", "a"), ("a", "c")], [["a", "c", "b", "a"]]),
        (
            [("d", "c"), ("c", "d"), ("b", "a"), ("a", "b"), ("b", "c")],
            [["a", "b", "a"], ["c", "d", "c"]],
        ),
        ([("a", "b"), ("b", "c"), ("c", "b"), ("c", "a")], [["b", "c", "b"]]),
    ],
    ids=["none", "order", "itself", "three", "two groups", "two cycles in a group"],
)
def test_each_group_has_one_cycle(needs, cycles):
    assert find_cycles(needs) == cycles
