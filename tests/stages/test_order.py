"""Changes in waves: each after all that it needs."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.stages.order import order, with_needs

from tests.stages.examples import change


def waves(*changes):
    made, findings = order(changes)
    return [" ".join(wave) for wave in made], [finding.text for finding in findings]


def test_changes_that_need_nothing_are_one_wave_in_the_order_given():
    assert waves(change("b"), change("a"), change("c")) == (["b a c"], [])


def test_a_change_comes_after_all_that_it_needs():
    made = waves(
        change("log", ["sub"]),
        change("sub", ["contract", "service"]),
        change("contract"),
        change("service"),
    )
    assert made == (["contract service", "sub", "log"], [])


def test_a_need_that_is_in_no_change_is_met_already():
    assert waves(change("a", ["gone"])) == (["a"], [])


def test_a_need_that_is_named_twice_is_one():
    assert waves(change("a", ["b", "b"]), change("b")) == (["b", "a"], [])


def test_no_changes_are_no_waves():
    assert order([]) == ((), [])


def test_networkx_is_not_loaded_if_no_change_needs_another(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)  # its import fails now

    assert waves(change("a"), change("b", ["gone"])) == (["a b"], [])
    with pytest.raises(ImportError):
        waves(change("a"), change("b", ["a"]))


def test_changes_that_wait_for_each_other_are_named_with_the_path_and_the_rest_is_placed():
    changes = [
        change("a", ["c"], name="Alpine"),
        change("b", ["a"], name="Brightwater"),
        change("c", ["b"], name="Cedar"),
        change("behind", ["b"]),
        change("before"),
        change("apart", ["before"]),
    ]
    made, findings = order(changes)
    assert made == (("before",), ("apart",))
    assert [finding.text for finding in findings] == [
        "these wait for each other: Alpine → Brightwater → Cedar → Alpine"
    ]
    assert (findings[0].code, findings[0].mapping, findings[0].key, findings[0].name) == (
        "cycle",
        "contract",
        "a",
        "Alpine",
    )


def test_a_change_that_waits_for_itself_is_a_cycle():
    assert waves(change("a", ["a"]), change("b")) == (["b"], ["these wait for each other: A → A"])


def test_a_cycle_behind_a_cycle_is_found_too():
    made = waves(
        change("a", ["b"]),
        change("b", ["a"]),
        change("c", ["d", "a"]),
        change("d", ["c"]),
        change("e"),
    )
    assert made == (
        ["e"],
        ["these wait for each other: A → B → A", "these wait for each other: C → D → C"],
    )


GRAPHS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefghx"), max_size=3), max_size=8
).map(lambda graph: [change(id_, needs) for id_, needs in graph.items()])


def closure(changes, start):
    known = {one.id: one for one in changes}
    found, more = set(), {start}
    while more - found:
        found |= more
        more = {need for id_ in found for need in known[id_].needs if need in known}
    return found


@given(GRAPHS)
def test_waves_respect_every_need_and_leave_out_only_what_hangs_on_a_cycle(changes):
    made, findings = order(changes)
    wave_of = {id_: number for number, wave in enumerate(made) for id_ in wave}
    assert sum(map(len, made)) == len(wave_of)
    known = {one.id for one in changes}
    for one in changes:
        needs = [need for need in one.needs if need in known]
        if one.id in wave_of:
            assert all(wave_of[need] < wave_of[one.id] for need in needs)
        else:
            cyclic = {
                id_
                for id_ in known
                if any(
                    id_ in closure(changes, need) for need in by_id(changes, id_) if need in known
                )
            }
            assert closure(changes, one.id) & cyclic
    assert bool(findings) == (len(wave_of) < len(known))


def by_id(changes, id_):
    return next(one.needs for one in changes if one.id == id_)


@given(GRAPHS, st.randoms(use_true_random=False))
def test_the_order_given_decides_the_place_in_a_wave_and_nothing_else(changes, random):
    shuffled = [*changes]
    random.shuffle(shuffled)
    first, second = order(changes), order(shuffled)
    assert [set(wave) for wave in first[0]] == [set(wave) for wave in second[0]]
    assert {finding.text for finding in first[1]} == {finding.text for finding in second[1]}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["d"], "abd"),
        (["a"], "a"),
        (["c", "b"], "abc"),
        (["x"], ""),
        ([], ""),
        (["loop"], ["loop", "pool"]),
    ],
)
def test_what_is_wanted_comes_with_all_that_it_needs(wanted, found):
    changes = [change("a", ["x"]), change("b", ["a"]), change("c"), change("d", ["b", "a"])]
    changes += [change("loop", ["pool"]), change("pool", ["loop"])]
    assert with_needs(changes, wanted) == set(found)
