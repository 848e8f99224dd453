"""Renewals of one subscription by others: which takes whose place, and who has the record."""

from datetime import date

import pytest

from tests.support.scene import (
    Scene,
    actions,
    adjusts,
    codes,
    contract,
    day,
    line_of,
    log,
    settled,
    subscription,
)
from tests.support.small_project import FILES, changed, decisions

SECOND, THIRD = day(11, 22), day(11, 25)


def ended(scene: Scene, key: str, on: date) -> None:
    seats = scene.row("subscription", key)["quantity"]
    scene.row("subscription", key).update(quantity=0 * seats, state="Inactive")
    scene.add("license_change", log(f"end of {key}", on, -seats, subscription=key))


def begun(scene: Scene, key: str, seats: int, on: date, **more: str) -> None:
    scene.add("subscription", subscription(key, seats, name=f"Mail ({key})", **more))
    scene.add("license_change", log(f"log of {key}", on, seats, subscription=key))


def renewed_twice(second: str = "con", third: str = "con") -> Scene:
    """Twelve seats became fifteen, and then seven, before any plan saw it."""
    scene = settled()
    scene.add("billing_contract", contract("con-2", name="Second", number="BC-2"))
    ended(scene, "sub", SECOND)
    begun(scene, "new", 15, SECOND, contract=second)
    ended(scene, "new", THIRD)
    begun(scene, "n3", 7, THIRD, contract=third)
    return scene


def succeed(*pairs: tuple[str, str]) -> dict[str, str]:
    return decisions(
        *(
            f"{{mapping: subscription, key: {key}, do: succeed, of: '{of}', reason: renewed}}"
            for key, of in pairs
        )
    )


CHAIN = (("new", "sub"), ("n3", "new"))


def advice(made) -> str:
    [finding] = [one for row in made.blocked for one in row.findings if one.code == "service-taken"]
    return finding.remedy


def test_a_question_names_rows_in_the_order_of_their_days():
    made = renewed_twice().plan()
    assert adjusts(made) == []
    assert (
        "`trueup decide subscription new succeed --of sub --reason …` and "
        "`trueup decide subscription n3 succeed --of new --reason …` if each"
    ) in advice(made)


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_question_names_all_rows_where_their_order_is_not_clear(is_readable):
    scene = renewed_twice()
    if is_readable:  # both begin on one day
        scene.row("license_change", "log of n3")["effective_date"] = SECOND
    else:
        scene.row("license_change", "end of new")["effective_date"] = None
    remedy = advice(scene.plan())
    assert "n3 succeed --of sub" in remedy
    assert "n3 succeed --of new" in remedy


def test_rows_that_a_person_dealt_with_are_no_part_of_a_question():
    scene = renewed_twice()
    scene.files(
        decisions(
            *(
                f"{{mapping: license_change, key: {key}, do: archive, reason: by hand}}"
                for key in ("log of new", "end of new")
            )
        )
    )
    remedy = advice(scene.plan())
    assert "n3 succeed --of sub" in remedy
    assert "new" not in remedy


@pytest.mark.parametrize(
    ("contracts", "expected"),
    [
        (("con", "con"), [(SECOND, 3), (THIRD, -8)]),
        (("con", "con-2"), [(SECOND, 3), (THIRD, -15), (THIRD, 7)]),
        (("con-2", "con"), [(SECOND, -12), (SECOND, 15), (THIRD, -15), (THIRD, 7)]),
        (("con-2", "con-2"), [(SECOND, -12), (SECOND, 15), (THIRD, -8)]),
    ],
)
def test_a_chain_has_one_record_for_each_contract(contracts, expected):
    scene = renewed_twice(*contracts)
    scene.files(succeed(*CHAIN))
    made = scene.sync()
    steps = [(on, units) for _, on, units in adjusts(made) if units != 2]
    assert sorted(steps) == expected
    assert len(scene.target.records["ContractServices"]) == len({"con", *contracts})
    assert actions(scene.plan()) == []


def test_a_chain_stays_known_after_its_first_rows_have_left():
    scene = renewed_twice("con-2", "con")
    scene.files(succeed(*CHAIN))
    scene.sync()
    for key in ("sub", "new"):
        del scene.source.tables["subscription"][key]
    begins = log("more", day(11, 28), 2, subscription="n3")
    scene.row("subscription", "n3")["quantity"] += 2
    scene.add("license_change", begins)
    assert adjusts(scene.sync()) == [(("more",), day(11, 28), 2)]
    assert actions(scene.plan()) == []


def test_two_decisions_about_one_row_are_put_in_order():
    scene = renewed_twice("con-2", "con")
    scene.files(succeed(("new", "sub"), ("n3", "sub")))
    made = scene.plan()
    assert {code for _, code in codes(made)} >= {"successor-unclear"}
    [first, *_] = [
        one for row in made.blocked for one in row.findings if one.code == "successor-unclear"
    ]
    assert "n3 succeed --of new" in first.remedy
    assert "new create" in first.remedy
    assert "n3 create" not in first.remedy  # its contract has the service already


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ((("new", "new"),), "succeeds itself"),
        ((("new", "n3"), ("n3", "new")), "succeeds itself through others"),
        ((("new", "nobody"),), "which is not found"),
    ],
)
def test_a_succession_that_cannot_be_is_held(pairs, text):
    scene = renewed_twice()
    scene.files(succeed(*pairs))
    found = [one for row in scene.plan().blocked for one in row.findings]
    assert any(one.code == "successor-unclear" and text in one.text for one in found)


def test_days_of_a_row_that_is_not_to_be_created_are_named():
    scene = renewed_twice("con-2", "con-2")
    scene.row("subscription", "n3")["contract"] = "con"
    made = scene.plan()
    [finding, _] = [one for row in made.blocked for one in row.findings if one.code == "not-billed"]
    assert "15 units from 2026-11-22 to 2026-11-24 are billed to nobody" in finding.text
    assert "decide subscription new create" in finding.remedy


QUANTITY = "source.quantity if source.state == 'Active' and source.billable else 0"
FAILING_POLICY = ("ledger:\n", 'policy: {minimum: "{{ 1 / source.quantity }}"}\nledger:\n')


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (FAILING_POLICY, "policy cannot be evaluated: divided by zero"),
        ((QUANTITY, "1 / source.quantity"), "its quantity cannot be evaluated: divided by zero"),
    ],
    ids=["policy", "quantity"],
)
def test_what_cannot_be_evaluated_is_reported_once_for_a_row_that_is_read_twice(changes, why):
    scene = renewed_twice("con-2", "con-2")
    scene.row("subscription", "n3")["contract"] = "con"
    scene.files(changed("mappings/subscription.yaml", *changes))

    found = [one.text for one in scene.plan().findings if one.key == "new"]

    assert found == [why]


def test_a_row_that_ended_on_its_first_day_is_left_out():
    scene = renewed_twice("con-2", "con")
    scene.row("license_change", "end of new")["effective_date"] = SECOND
    assert "not-billed" not in {code for _, code in codes(scene.plan())}


def test_the_halves_of_a_chain_wait_for_each_other():
    scene = renewed_twice("con-2", "con")
    scene.files(succeed(*CHAIN))
    scene.row("license_change", "log of new")["provisioning_status"] = "Awaiting"
    made = scene.plan()
    assert {keys for keys, _, _ in adjusts(made)} <= {("second",)}
    assert ("end of sub", "waits-for-its-other-half") in codes(made)
    assert line_of(made, "n3").unexplained == 0


def test_what_an_expression_gives_is_put_in_order_by_decisions():
    """Both name the row of twelve seats."""
    scene = renewed_twice("con-2", "con")
    text = FILES["mappings/subscription.yaml"]
    names = "successor_of: \"{{ 'sub' if source.id in ['new', 'n3'] }}\"\ncreate: auto\n"
    [create] = [line for line in text.splitlines() if line.startswith("create:")]
    mapping = {"mappings/subscription.yaml": text.replace(f"{create}\n", names)}
    scene.files(mapping)
    remedies = {
        one.key: one.remedy
        for row in scene.plan().blocked
        for one in row.findings
        if one.code == "successor-unclear"
    }
    assert {*remedies} == {"new", "n3"}
    assert "new succeed --of sub --reason …` and `trueup decide" in remedies["n3"]
    assert "n3 succeed --of new" in remedies["new"]
    scene.files(mapping, succeed(("new", "sub")))
    assert {key for key, code in codes(scene.plan()) if code == "successor-unclear"} == {"n3"}
    scene.files(mapping, succeed(*CHAIN))
    made = scene.sync()
    assert sorted((on, units) for _, on, units in adjusts(made) if units != 2) == [
        (SECOND, -12),
        (SECOND, 15),
        (THIRD, -15),
        (THIRD, 7),
    ]


def side_by_side(begins: date) -> tuple[Scene, dict[str, str]]:
    """Returns a scene in which `new` is to succeed `old`, and the mapping that configures it."""
    scene = settled()
    scene.add("billing_contract", contract("con-2", name="Second", number="BC-2"))
    begun(scene, "old", 4, day(9, 1), contract="con-2")
    ended(scene, "old", SECOND)
    begun(scene, "new", 50, begins, contract="con-2")
    text = FILES["mappings/subscription.yaml"]
    names = "successor_of: \"{{ 'old' if source.id == 'new' }}\"\ncreate: auto\n"
    [create] = [line for line in text.splitlines() if line.startswith("create:")]
    mapping = {"mappings/subscription.yaml": text.replace(f"{create}\n", names)}
    scene.files(mapping)
    return scene, mapping


def about_successions(made) -> set[tuple[str, str]]:
    found = codes(made) | {(key, one.code) for one in made.left_out for key in one.keys}
    return {one for one in found if one[1] in ("succeeded", "successor-unclear")}


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        (day(8, 1), set()),  # it had run on before the other one began
        (day(9, 1), set()),
        (day(9, 2), {("new", "successor-unclear")}),
        (day(10, 21), {("new", "successor-unclear")}),
        (day(10, 22), {("old", "succeeded")}),  # bought early, by a month at most
        (day(11, 22), {("old", "succeeded")}),
        (day(12, 22), {("old", "succeeded")}),
    ],
)
def test_a_row_succeeds_none_that_ran_beside_it(begins, expected):
    scene, _ = side_by_side(begins)

    assert about_successions(scene.plan()) == expected


UNREAD = {"effective_date"}


@pytest.mark.parametrize(
    ("unread", "is_asked"),
    [
        ({}, False),
        ({"first": UNREAD}, False),  # of another row
        ({"log of new": {"name"}}, False),
        ({"log of new": UNREAD}, True),
        ({"log of old": UNREAD}, True),
        ({"end of old": {"quantity"}}, True),
        ({"first": {"subscription"}}, True),  # it may belong to any row
        ({"log of new": {"status"}}, False),  # its day can be read
        (None, True),
    ],
)
def test_a_row_takes_no_place_while_days_that_may_be_its_own_cannot_be_read(unread, is_asked):
    scene, _ = side_by_side(SECOND)
    for key, columns in (unread or {}).items():
        scene.source.unread["license_change", key] = columns
    if unread is None:
        scene.source.without_key.add("license_change")

    found = about_successions(scene.plan())

    assert found == {("new", "successor-unclear") if is_asked else ("old", "succeeded")}


@pytest.mark.parametrize(
    ("units", "owner", "is_asked"),
    [(0, "old", False), (3, "sub", False), (3, "old", True), (3, None, False)],
)
def test_a_change_without_a_key_is_about_its_own_row_only(units, owner, is_asked):
    scene, _ = side_by_side(SECOND)
    scene.source.without_key.add("license_change")
    row = log("", day(9, 1), units, subscription=owner) | {"id": None}
    scene.source.keyless["license_change"] = row

    found = about_successions(scene.plan())

    assert found == {("new", "successor-unclear") if is_asked else ("old", "succeeded")}


@pytest.mark.parametrize("columns", [UNREAD, {"subscription"}])
def test_a_change_without_units_settles_no_question(columns):
    scene, _ = side_by_side(SECOND)
    scene.add("license_change", log("none", day(9, 1), 0, subscription="old"))
    scene.source.unread["license_change", "none"] = columns

    assert about_successions(scene.plan()) == {("old", "succeeded")}


def test_a_question_names_the_change_that_cannot_be_read_until_it_is_ignored():
    scene, mapping = side_by_side(SECOND)
    scene.add("license_change", log("bad", day(9, 1), 1, subscription="old"))
    scene.source.unread["license_change", "bad"] = UNREAD

    found = [one for row in scene.plan().blocked for one in row.findings]

    [question] = [one for one in found if one.code == "successor-unclear"]
    assert question.text.endswith(
        "but a change that may be theirs cannot be read: "
        'license_change bad, effective_date: "oops" cannot be read'
    )
    assert question.remedy.startswith(
        "correct license_change bad in Work 365 (memory:7:1); or `trueup decide subscription new"
    )
    ignored = decisions("{mapping: license_change, key: bad, do: ignore, reason: void}")
    scene.files(mapping, ignored)
    assert about_successions(scene.plan()) == {("old", "succeeded")}


@pytest.mark.parametrize("begins", [day(8, 1), day(9, 21)])
def test_a_change_of_another_row_that_cannot_be_read_settles_no_question(begins):
    scene, _ = side_by_side(begins)
    expected = about_successions(scene.plan())

    scene.source.unread["license_change", "first"] = UNREAD

    assert about_successions(scene.plan()) == expected


@pytest.mark.parametrize("may_repeat", ["true", "false"])
def test_a_question_offers_a_record_of_its_own_only_where_the_target_takes_one(may_repeat):
    scene, mapping = side_by_side(day(9, 21))
    name = "allow_duplicated_services"
    scene.files(mapping, changed("trueup.yaml", f"{name}: false", f"{name}: {may_repeat}"))

    found = [one for row in scene.plan().blocked for one in row.findings]

    [question] = [one for one in found if one.code == "successor-unclear"]
    assert ("new create" in question.remedy) == (may_repeat == "true")


def test_a_question_about_two_rows_side_by_side_is_answered_by_a_decision():
    scene, mapping = side_by_side(day(9, 21))
    found = [one for row in scene.plan().blocked for one in row.findings]

    [question] = [one for one in found if one.code == "successor-unclear"]
    scene.files(mapping, succeed(("new", "old")))

    named = "Alpine Dental, Mail (old)"  # both rows have one name
    assert question.text == f"would succeed {named}, but both run for 62 days"
    assert "new succeed --of old" in question.remedy
    assert about_successions(scene.plan()) == {("old", "succeeded")}
