"""Which row is which record: decision, link, identity, the mapping's own keys; never a guess."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.model.finding import Place, Severity
from trueup.model.mapping import Strength
from trueup.model.verdict import Verdict

from tests.stages.examples import specs
from tests.stages.matching import (
    AS_OF,
    BY_ID,
    BY_NAME,
    BY_NUMBER,
    NEEDS_DECISION,
    Case,
    decided,
    remedy,
)

ERROR = Severity.ERROR


def test_a_link_places_a_row_whatever_the_records_look_like():
    case = Case(
        {"a": {"name": "Alpine"}},
        {5: {}, 6: {"companyName": "Alpine", "externalID": "a"}},
        {"a": 5},
    )
    assert (case.ids, case.how, case.create_) == ({"a": 5}, {}, [])
    assert not case.state.blocked


def test_without_a_link_a_row_is_found_by_its_identity():
    case = Case({"a": {"name": "Alpine"}}, {5: {"companyName": "Alpine"}, 6: {"externalID": " A "}})
    assert (case.ids, case.how) == ({"a": 6}, {"a": "identity"})


def test_without_an_identity_it_is_found_by_the_first_key_that_finds_one():
    records = {5: {"companyName": "Alpine"}, 6: {"companyNumber": "7"}}
    case = Case({"a": {"name": "Alpine", "number": "7"}}, records)
    assert (case.ids, case.how) == ({"a": 6}, {"a": "match"})
    case = Case({"a": {"name": "alpine ", "number": "8"}}, records)
    assert (case.ids, case.how) == ({"a": 5}, {"a": "match"})


def test_a_key_that_is_empty_or_cannot_be_evaluated_finds_nothing():
    records: dict[int, dict[str, Any]] = {
        5: {"companyNumber": None},
        6: {"companyNumber": "", "companyName": None},
    }
    assert Case({"a": {}}, records).create_ == ["a"]
    assert Case(
        {"a": {"name": "Alpine"}}, {5: {"companyName": "Alpine"}}, fails=("a",)
    ).create_ == ["a"]


def test_a_key_that_refers_to_what_is_yet_to_be_created_finds_nothing():
    new = specs(parentID="{{ new }}")
    assert Case({"a": {}}, {5: {"parentID": None}}, identity=new, keys=(new,)).create_ == ["a"]


def test_a_mapping_without_identity_or_keys_creates():
    assert Case({"a": {}}, {5: {}}, identity={}, keys=()).create_ == ["a"]


def test_a_row_whose_identity_is_empty_is_reported():
    case = Case({"a": {}}, {5: {"companyNumber": None}}, identity=BY_NUMBER, keys=(BY_NAME,))
    assert case.why("a") == [("identity-empty", ERROR)]
    assert case.texts("a") == ["its identity (companyNumber) is empty"]
    assert (case.ids, case.create_) == ({}, [])


@pytest.mark.parametrize(
    ("identity", "keys", "how"), [(BY_NAME, (), "identity"), (BY_ID, (BY_NAME,), "match")]
)
def test_two_records_that_fit_are_reported_and_neither_is_taken(identity, keys, how):
    records = {5: {"companyName": "Alpine"}, 6: {"companyName": "ALPINE"}}
    case = Case({"a": {"name": "Alpine"}}, records, identity=identity, keys=keys)
    assert case.why("a") == [("ambiguous", ERROR)]
    assert case.texts("a") == [
        f"2 records fit by {how} (companyName): Companies 5, 6".replace("Companies", "Contracts")
    ]
    remedy = case.state.blocked["a"][0].remedy
    assert remedy == "choose one: `trueup link customer a 5`, or `trueup link customer a 6`"
    assert (case.ids, case.create_) == ({}, [])


def test_a_key_that_finds_two_ends_the_search():
    records = {5: {"companyNumber": "7"}, 6: {"companyNumber": "7"}, 7: {"companyName": "Alpine"}}
    assert Case({"a": {"name": "Alpine", "number": "7"}}, records).why("a") == [
        ("ambiguous", ERROR)
    ]


def test_a_record_that_two_rows_claim_by_a_strong_key_is_reported_on_both():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Alpine"}}
    case = Case(rows, {5: {"companyName": "Alpine"}}, strength=Strength.STRONG)
    assert case.why("a") == case.why("b") == [("claimed-twice", ERROR)]
    assert case.texts("a") == ["claims Contracts 5, and so does Alpine (b)"]
    ways = (
        "`trueup link customer a 5` if it is Alpine (a)'s, "
        "or `trueup link customer b 5` if it is Alpine (b)'s"
    )
    assert remedy(case, "a") == remedy(case, "b") == ways
    assert (case.ids, case.create_) == ({}, [])


def test_a_record_that_another_row_is_linked_to_is_reported_on_both():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Brightwater"}}
    case = Case(rows, {5: {"externalID": "b"}}, {"a": 5})
    assert case.why("b") == [("claimed-twice", ERROR)]
    assert case.texts("b") == ["claims Contracts 5, and so does Alpine"]
    assert case.ids == {"a": 5}
    finding = case.state.findings[0]
    assert (finding.code, finding.severity, finding.key) == ("claimed-twice", Severity.WARNING, "a")
    assert finding.text == "Brightwater claims its Contracts 5 as well"
    assert (
        finding.remedy
        == remedy(case, "b")
        == (
            "`trueup link customer a 5` if it is Alpine's, "
            "or `trueup link customer b 5` and `trueup state forget customer a --reason …` "
            "if it is Brightwater's"
        )
    )


def test_a_record_that_another_row_has_is_no_candidate_for_a_mapping_s_own_keys():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Alpine"}}
    linked = Case(rows, {5: {"companyName": "Alpine"}}, {"a": 5})
    assert (linked.ids, linked.create_, linked.state.blocked) == ({"a": 5}, ["b"], {})
    known = Case(rows, {5: {"companyName": "Alpine", "externalID": "b"}})
    assert (known.ids, known.how, known.create_) == ({"b": 5}, {"b": "identity"}, ["a"])


def test_with_the_others_placed_one_candidate_is_enough_for_a_strong_key():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Alpine"}}
    records = {5: {"companyName": "Alpine", "externalID": "a"}, 6: {"companyName": "Alpine"}}
    case = Case(rows, records, strength=Strength.STRONG)
    assert (case.ids, case.how) == ({"a": 5, "b": 6}, {"a": "identity", "b": "match"})
    careful = Case(rows, records)
    assert (careful.ids, careful.why("b")) == ({"a": 5}, [NEEDS_DECISION])


def test_a_record_of_a_row_that_is_gone_is_not_created_a_second_time():
    case = Case(
        {"new": {"name": "Alpine"}}, {5: {"companyName": "Alpine"}}, {"old": 5}, gone=("old",)
    )
    assert case.why("new") == [("claimed-twice", ERROR)]
    assert case.texts("new") == ["claims Contracts 5, and so does old"]
    assert remedy(case, "new") == (
        "`trueup link customer new 5` and `trueup state forget customer old --reason …` "
        "if it is Alpine's"
    )
    assert case.create_ == []


def test_a_record_that_two_rows_are_linked_to_is_written_by_neither():
    case = Case({"a": {"name": "Alpine"}, "b": {}}, {5: {}}, {"a": 5, "b": 5})
    assert case.why("a") == case.why("b") == [("claimed-twice", ERROR)]
    assert case.texts("a") == ["claims Contracts 5, and so does b"]
    ways = (
        "`trueup state forget customer b --reason …` if it is Alpine's, "
        "or `trueup state forget customer a --reason …` if it is b's"
    )
    assert remedy(case, "a") == remedy(case, "b") == ways
    assert case.ids == {"a": 5, "b": 5}


def test_a_linked_record_that_does_not_come_back_blocks_the_row_and_is_never_created():
    case = Case({"a": {"name": "Alpine"}}, {6: {"externalID": "a"}}, {"a": 5})
    assert case.why("a") == [("linked-record-missing", ERROR)]
    assert "Contracts 5, which does not come back" in case.texts("a")[0]
    assert "trueup state forget customer a" in case.state.blocked["a"][0].remedy
    assert (case.ids, case.create_) == ({"a": 5}, [])


def test_links_of_rows_that_are_not_ready_are_kept():
    case = Case({"a": {}, "b": {}}, {5: {}}, {"a": 5, "old": 7}, not_ready=("a",))
    assert case.ids == {"a": 5, "old": 7}
    assert case.create_ == ["b"]


# Decisions


def test_a_decision_links_a_row_against_all_else():
    records = {5: {"externalID": "a", "companyName": "Alpine"}, 6: {}}
    case = Case({"a": {"name": "Alpine"}}, records, decisions=decided("a", Verdict.LINK, 6))
    assert (case.ids, case.how) == ({"a": 6}, {"a": "decision"})


def test_what_is_decided_precedes_a_row_that_only_fits_which_is_reported():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Brightwater"}}
    case = Case(rows, {5: {"externalID": "b"}}, decisions=decided("a", Verdict.LINK, 5))
    assert (case.ids, case.how, case.create_) == ({"a": 5}, {"a": "decision"}, [])
    assert (case.why("a"), case.why("b")) == ([], [("claimed-twice", ERROR)])
    assert [(one.key, one.severity) for one in case.state.findings] == [("a", Severity.WARNING)]
    assert remedy(case, "b") == (
        "`trueup link customer b 5` and remove the decision at mappings/decisions.yaml:3:1 "
        "if it is Brightwater's, or give the other its own externalID in Work 365"
    )


def test_two_decisions_for_one_record_are_reported_with_their_places():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Brightwater"}}
    both = decided("a", Verdict.LINK, 5) | decided("b", Verdict.LINK, 5)
    case = Case(rows, {5: {}}, decisions=both)
    assert case.why("a") == case.why("b") == [("claimed-twice", ERROR)]
    assert remedy(case, "a").startswith(
        "remove the decision at mappings/decisions.yaml:3:1 if it is Alpine's, or "
    )
    assert case.state.findings == []


def test_of_two_rows_with_one_identity_a_decision_gives_the_record_to_one():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Alpine"}}
    case = Case(
        rows,
        {5: {"companyName": "Alpine"}},
        identity=BY_NAME,
        decisions=decided("b", Verdict.LINK, 5),
    )
    assert (case.ids, case.why("a"), case.create_) == ({"b": 5}, [("claimed-twice", ERROR)], [])


def test_the_commands_of_the_way_out_end_a_claim_of_two():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Brightwater"}}
    records = {5: {"externalID": "b"}}
    kept = Case(rows, records, {"a": 5}, decided("a", Verdict.LINK, 5))
    assert (kept.ids, kept.why("a"), kept.why("b")) == ({"a": 5}, [], [("claimed-twice", ERROR)])
    moved = Case(rows, records, {}, decided("b", Verdict.LINK, 5))
    assert (moved.ids, moved.create_, moved.state.blocked) == ({"b": 5}, ["a"], {})


def test_a_decision_moves_a_link():
    case = Case({"a": {}}, {5: {}, 6: {}}, {"a": 5}, decided("a", Verdict.LINK, 6))
    assert (case.ids, case.how) == ({"a": 6}, {"a": "decision"})


def test_a_decision_that_is_carried_out_already_is_no_news():
    case = Case({"a": {}}, {5: {}}, {"a": 5}, decided("a", Verdict.LINK, 5))
    assert (case.ids, case.how, case.create_) == ({"a": 5}, {}, [])


def test_decisions_may_swap_two_links():
    decisions = {**decided("a", Verdict.LINK, 6), **decided("b", Verdict.LINK, 5)}
    case = Case({"a": {}, "b": {}}, {5: {}, 6: {}}, {"a": 5, "b": 6}, decisions)
    assert (case.ids, case.how) == ({"a": 6, "b": 5}, {"a": "decision", "b": "decision"})


def test_a_decision_for_what_another_row_has_is_reported_on_both():
    case = Case(
        {"a": {"name": "Alpine"}, "b": {}}, {5: {}}, {"a": 5}, decided("b", Verdict.LINK, 5)
    )
    assert case.why("b") == [("claimed-twice", ERROR)]
    assert [one.key for one in case.state.findings] == ["a"]
    assert case.ids == {"a": 5}


def test_two_decisions_for_one_record_are_reported_on_both():
    decisions = {**decided("a", Verdict.LINK, 5), **decided("b", Verdict.LINK, 5)}
    case = Case({"a": {}, "b": {}}, {5: {}}, decisions=decisions)
    assert case.why("a") == case.why("b") == [("claimed-twice", ERROR)]


def test_a_row_that_may_not_move_keeps_its_record_from_others():
    decisions = {**decided("a", Verdict.LINK, 6), **decided("b", Verdict.LINK, 5)}
    case = Case({"a": {}, "b": {}, "c": {}}, {5: {}, 6: {}}, {"a": 5, "c": 6}, decisions)
    assert case.why("a") == case.why("b") == [("claimed-twice", ERROR)]
    assert case.ids == {"a": 5, "c": 6}


@pytest.mark.parametrize("links", [{}, {"a": 5}])
def test_a_decision_for_a_record_that_cannot_be_read_is_reported(links):
    case = Case({"a": {}}, {5: {}}, links, decided("a", Verdict.LINK, 99))
    assert case.why("a") == [("linked-record-missing", ERROR)]
    assert case.texts("a") == ["decided to be Contracts 99, which cannot be read"]
    assert case.state.blocked["a"][0].place == Place("mappings/decisions.yaml", 3, 1)
    assert (case.ids, case.create_) == (links, [])


@pytest.mark.parametrize(
    ("until", "text"),
    [
        (None, "ignored: because"),
        (AS_OF, "ignored until 2026-11-15: because"),
        (date(2027, 1, 1), "ignored until 2027-01-01: because"),
    ],
)
def test_a_row_that_a_person_ignores_is_left_out_with_the_reason(until, text):
    case = Case(
        {"a": {}}, {5: {"externalID": "a"}}, decisions=decided("a", Verdict.IGNORE, until=until)
    )
    assert (case.state.skipped["a"].code, case.state.skipped["a"].text) == ("ignored", text)
    assert (case.ids, case.create_, case.state.ready) == ({}, [], {})


def test_a_linked_row_that_a_person_ignores_keeps_its_record():
    case = Case({"a": {}}, {5: {}}, {"a": 5}, decided("a", Verdict.IGNORE))
    assert (case.ids, set(case.state.skipped)) == ({"a": 5}, {"a"})


@pytest.mark.parametrize("verdict", [Verdict.IGNORE, Verdict.LINK, Verdict.CREATE])
def test_a_decision_holds_until_its_last_day_and_no_longer(verdict):
    until = date(2026, 11, 14)
    case = Case(
        {"a": {}}, {5: {"externalID": "a"}, 6: {}}, decisions=decided("a", verdict, 6, until)
    )
    assert (case.ids, case.how) == ({"a": 5}, {"a": "identity"})


@pytest.mark.parametrize(
    "verdict", [Verdict.PUSH, Verdict.CORRECT, Verdict.ARCHIVE, Verdict.CREATE]
)
def test_a_linked_row_stays_linked_and_is_not_created_whatever_else_is_decided(verdict):
    case = Case({"a": {}}, {5: {}}, {"a": 5}, decided("a", verdict))
    assert (case.ids, case.how, case.create_) == ({"a": 5}, {}, [])
    expired = Case({"a": {}}, {5: {}}, {"a": 5}, decided("a", verdict, until=date(2026, 1, 1)))
    assert (expired.ids, expired.how, expired.create_) == ({"a": 5}, {}, [])


@pytest.mark.parametrize("create", ["auto", "ask", "never", "{{ source.gone }}"])
def test_a_decision_to_create_precedes_keys_look_alikes_and_the_mapping(create):
    case = Case(
        {"a": {"name": "Alpine"}},
        {5: {"companyName": "Alpine"}},
        decisions=decided("a", Verdict.CREATE),
        create=create,
        similar=("companyName",),
    )
    assert (case.ids, case.create_, case.state.blocked) == ({}, ["a"], {})


def test_a_decision_to_create_does_not_create_what_was_created_before():
    case = Case({"a": {}}, {5: {"externalID": "a"}}, decisions=decided("a", Verdict.CREATE))
    assert (case.ids, case.how, case.create_) == ({"a": 5}, {"a": "identity"}, [])


# Creating


def test_a_row_that_nothing_fits_is_created():
    assert Case({"a": {"name": "Alpine"}}, {5: {"companyName": "Brightwater"}}).create_ == ["a"]


def test_a_row_that_is_never_to_be_created_is_left_out():
    case = Case({"a": {}}, create="never")
    assert (case.state.skipped["a"].code, case.create_) == ("never-created", [])


@pytest.mark.parametrize(
    "create", ["ask", "{{ settings.create }}", "{{ 'ask' if source.id == 'a' else 'auto' }}"]
)
def test_a_row_with_create_ask_waits_for_a_decision(create):
    case = Case({"a": {}}, create=create)
    assert case.why("a") == [NEEDS_DECISION]
    assert case.texts("a") == ["waits for a decision: `create: ask`"]
    finding = case.state.blocked["a"][0]
    assert (
        finding.remedy
        == "`trueup link customer a ID`, or `trueup decide customer a create --reason …`"
    )
    assert finding.place.line == 9


@pytest.mark.parametrize(
    ("create", "code", "text"),
    [
        (
            "{{ source.gone }}",
            "expression-failed",
            "create cannot be evaluated: there is no 'gone'",
        ),
        ("perhaps", "create-unclear", "create gives 'perhaps': it must be auto, ask or never"),
        ("{{ none }}", "create-unclear", "create gives nothing: it must be auto, ask or never"),
        ("{{ [] }}", "create-unclear", "create gives a list: it must be auto, ask or never"),
        (True, "create-unclear", "create gives true: it must be auto, ask or never"),
    ],
)
def test_what_create_gives_must_be_one_of_its_words(create, code, text):
    case = Case({"a": {}}, create=create)
    assert (case.why("a"), case.texts("a"), case.create_) == ([(code, ERROR)], [text], [])


def test_rows_to_be_created_with_one_identity_are_reported_on_all_of_them():
    rows = {
        "a": {"name": "Alpine", "number": "7"},
        "b": {"name": "Brightwater", "number": " 7"},
        "c": {"number": "8"},
    }
    case = Case(rows, identity=BY_NUMBER, keys=())
    assert case.create_ == ["c"]
    assert case.why("a") == case.why("b") == [("identity-shared", ERROR)]
    assert case.texts("a") == ["has the same identity (companyNumber) as Brightwater"]


# Look-alikes


@pytest.mark.parametrize(
    ("row", "record", "alike"),
    [
        ({"name": "Alpine Dental AG"}, {"companyName": "alpine dental"}, True),
        ({"name": "Müller & Söhne GmbH"}, {"companyName": "Muller und Sohne"}, True),
        ({"name": "Müller & Söhne GmbH"}, {"companyName": "MULLER AND SOHNE LTD"}, True),
        ({"name": "Alpine"}, {"companyName": "Alpine Dental"}, False),
        ({"web": "https://www.alpine.example/contact"}, {"webAddress": "ALPINE.example"}, True),
        ({"web": "alpine.example"}, {"companyName": "alpine.example"}, False),
        ({"web": "http://[alpine.example"}, {"webAddress": "http://[alpine.example"}, True),
        ({"name": "Amazon.com"}, {"companyName": "Amazon com Inc"}, True),
        ({"name": "", "web": " "}, {"companyName": "", "webAddress": " "}, False),
        ({"name": None}, {"companyName": None}, False),
        ({"name": "!!!"}, {"companyName": "???"}, False),
    ],
)
def test_a_row_that_resembles_an_unlinked_record_waits_for_a_decision(row, record, alike):
    case = Case({"a": row}, {5: record}, keys=(), similar=("companyName", "webAddress", "unmapped"))
    assert case.why("a") == ([NEEDS_DECISION] if alike else [])
    assert case.create_ == ([] if alike else ["a"])


def test_candidates_are_shown_by_what_makes_them_alike():
    records = {
        9: {"companyName": "Alpine", "webAddress": "alpine.example"},
        5: {"companyName": "ALPINE AG"},
    }
    case = Case(
        {"a": {"name": "Alpine GmbH"}}, records, keys=(), similar=("companyName", "webAddress")
    )
    (text,) = case.texts("a")
    assert text == (
        "looks like Contracts 5 (ALPINE AG); Contracts 9 (Alpine, alpine.example), "
        "which no row is linked to"
    )
    assert case.state.blocked["a"][0].remedy.startswith(
        "`trueup link customer a 5`, or `trueup link customer a 9`, "
        "or `trueup decide customer a create"
    )


@pytest.mark.parametrize(
    ("record", "links"), [({}, {"b": 5}), ({"externalID": "b"}, {})], ids=["linked", "claimed"]
)
def test_a_record_of_another_row_is_no_candidate_and_a_row_that_resembles_it_is_a_question(
    record, links
):
    rows = {"a": {"name": "Alpine GmbH"}, "b": {"name": "Alpine AG"}}
    records = {5: {"companyName": "Alpine", **record}}
    case = Case(rows, records, links, keys=(), similar=("companyName",))
    assert (case.ids, case.create_) == ({"b": 5}, [])
    assert (case.why("a"), case.texts("a")) == (
        [NEEDS_DECISION],
        ["looks like Contracts 5 (Alpine), which is Alpine AG's"],
    )
    assert remedy(case, "a") == (
        "`trueup decide customer a create --reason …`, "
        "or `trueup decide customer a ignore --reason …`"
    )


def test_a_record_of_a_row_that_is_gone_resembles_anyway():
    case = Case(
        {"new": {"name": "Alpine"}},
        {5: {"companyName": "Alpine AG"}},
        {"old": 5},
        keys=(),
        similar=("companyName",),
    )
    assert case.why("new") == [NEEDS_DECISION]


def test_where_fields_cannot_be_evaluated_nothing_is_alike():
    case = Case(
        {"a": {"name": "Alpine"}},
        {5: {"companyName": "Alpine"}},
        keys=(),
        similar=("companyName",),
        fails=("a",),
    )
    assert case.create_ == ["a"]


# Rows that are kept out


LEDGER = SimpleNamespace()


def test_a_row_that_is_kept_out_is_the_record_that_was_decided_for_the_ledger_alone():
    by_decision = decided("a", Verdict.LINK, 5)
    case = Case({"a": {}}, {5: {}}, decisions=by_decision, not_ready=("a",), ledger=LEDGER)
    assert (case.ids, case.how, case.state.referable, case.state.inferred_links) == (
        {"a": 5},
        {"a": "decision"},
        {},
        {},
    )
    assert (
        Case(
            {"a": {}}, {5: {}}, {"a": 5}, decisions=by_decision, not_ready=("a",), ledger=LEDGER
        ).how
        == {}
    )
    assert Case({"a": {}}, {5: {}}, decisions=by_decision, not_ready=("a",)).ids == {}


def test_a_row_that_is_kept_out_gets_no_record_that_another_has():
    by_decision = decided("a", Verdict.LINK, 5)
    case = Case(
        {"a": {}, "b": {}},
        {5: {}},
        {"b": 5},
        decisions=by_decision,
        not_ready=("a",),
        ledger=LEDGER,
    )
    assert (case.why("a"), case.state.out_of_scope, case.state.record_ids) == (
        [("claimed-twice", ERROR)],
        set(),
        {"b": 5},
    )
    gone = Case({"a": {}}, {}, decisions=by_decision, not_ready=("a",), ledger=LEDGER)
    assert (gone.why("a"), gone.state.out_of_scope) == ([("linked-record-missing", ERROR)], set())
    late = decided("a", Verdict.LINK, 5, until=date(2026, 11, 1))
    assert Case({"a": {}}, {5: {}}, decisions=late, not_ready=("a",), ledger=LEDGER).ids == {}


# Properties

NAMES = st.sampled_from([None, "Alpine", "ALPINE", "Brightwater", "Cedar"])
KEYS = st.sampled_from("abcdef")
RECORD_IDS = st.integers(1, 6)
ROWS = st.dictionaries(
    KEYS,
    st.fixed_dictionaries({"name": NAMES, "number": st.sampled_from([None, "7", "8"])}),
    max_size=6,
)
RECORDS = st.dictionaries(
    RECORD_IDS,
    st.fixed_dictionaries(
        {
            "companyName": NAMES,
            "companyNumber": st.sampled_from([None, "7", "8"]),
            "externalID": st.sampled_from([None, *"abc"]),
        }
    ),
    max_size=6,
)
DECISIONS = st.dictionaries(
    KEYS,
    st.tuples(
        st.sampled_from(Verdict), RECORD_IDS, st.sampled_from([None, AS_OF, date(2026, 1, 1)])
    ),
    max_size=3,
).map(lambda many: {key: decided(key, *what)[key] for key, what in many.items()})
LINKS = st.dictionaries(st.sampled_from("abcdefgh"), RECORD_IDS, max_size=5)
CASES = st.builds(
    dict,
    rows=ROWS,
    records=RECORDS,
    links=LINKS,
    decisions=DECISIONS,
    identity=st.sampled_from([BY_ID, BY_NUMBER, {}]),
    similar=st.sampled_from([(), ("companyName",)]),
    create=st.sampled_from(["auto", "ask", "never", "{{ 'auto' if source.name else none }}"]),
)


@given(CASES)
def test_no_record_is_ever_given_to_two_rows_that_may_be_written(parts):
    case = Case(**parts)
    given_ = [case.ids[key] for key in case.state.ready if key in case.ids]
    assert len(given_) == len(set(given_))
    new = [record for key, record in case.ids.items() if key in case.how]
    others = [record for key, record in case.ids.items() if key not in case.how]
    assert not set(new) & set(others)


@given(CASES)
def test_every_row_that_is_ready_is_a_record_or_is_created_and_never_both(parts):
    case = Case(**parts)
    assert set(case.state.ready) == {key for key in case.ids if key in case.state.ready} | set(
        case.create_
    )
    assert not set(case.create_) & set(case.ids)
    assert len(case.create_) == len(set(case.create_))
    assert all(case.ids[key] in case.state.records for key in case.state.ready if key in case.ids)


@given(CASES)
def test_every_row_ends_in_one_place(parts):
    case = Case(**parts)
    for key in parts["rows"]:
        places = [
            key in place for place in (case.state.ready, case.state.blocked, case.state.skipped)
        ]
        assert sum(places) == 1


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_rows_links_and_decisions_does_not_matter(parts, random):
    def shuffled(many):
        items = [*many.items()]
        random.shuffle(items)
        return dict(items)

    first = Case(**parts)
    second = Case(
        **{**parts, **{name: shuffled(parts[name]) for name in ("rows", "links", "decisions")}}
    )
    assert (first.ids, first.how) == (second.ids, second.how)
    assert set(first.create_) == set(second.create_)
    assert first.state.blocked == second.state.blocked
    assert first.state.skipped == second.state.skipped
    assert {one.text for one in first.state.findings} == {one.text for one in second.state.findings}


@given(CASES)
def test_a_link_is_kept_unless_a_decision_that_holds_moves_it(parts):
    case = Case(**parts)
    for key, record in parts["links"].items():
        decision = parts["decisions"].get(key)
        if case.ids[key] != record:
            assert decision.verdict is Verdict.LINK
            assert decision.record == case.ids[key]
