"""Names that look alike: rows to be created are compared with records and with each other."""

import pytest
from trueup.model.verdict import Verdict

from tests.stages.examples import ref, spec
from tests.stages.matching import NEEDS_DECISION, Case, decided, remedy

SIMILAR = ("companyName", "webAddress")


def new(rows, records=None, links=None, **more):
    """Rows that no key or identity places."""
    return Case(rows, records or {}, links or {}, keys=(), similar=SIMILAR, **more)


ALIKE = [
    ("Harbour Freight", "Har\u200bbour Freight"),  # zero-width space
    ("Harbour Freight", "Harbour\u2060 Freight\ufeff"),  # word joiner, byte order mark
    ("Harbour Freight", "Har\u00adbour Freight"),  # soft hyphen
    ("Harbour Freight", "Harbour\u00a0Freight"),  # no-break space
    ("Harbour Freight", "\uff28arbour Freight"),  # a full-width letter
    ("Café Noir", "Cafe\u0301 Noir"),  # combining accent
    ("Smith & Sons", "Smith &amp; Sons"),
    ("Smith & Sons", "Smith and Sons"),
    ("Dupont & Fils SARL", "Dupont et Fils"),
    ("Delta & Partner KG", "Delta und Partner"),
    ("Bakker & Zonen", "Bakker en Zonen"),
    ("Van Dijk B.V.", "Van Dijk BV"),
    ("Van Dijk B.V.", "Van Dijk"),
    ("Müller GmbH", "Müller G.m.b.H."),
    ("Müller GmbH", "Mueller".replace("ue", "ü")),
    ("Novak s.r.o.", "NOVAK"),
    ("Acme, Inc.", "The Acme Company"),
    ("Brandt GmbH", "Brandt GesmbH"),
    ("Kessler & Co.", "Kessler e.K."),
    ("Vigne Sàrl", "Vigne S.à r.l."),
    ("Vigne Sàrl", "Vigne S. à r. l."),
    ("Outback Tyres Pty Ltd", "OUTBACK TYRES PTY. LIMITED"),
    ("Pastificio Verdi", "Pastificio Verdi S.r.l.s."),
    ("Groß Metallbau", "Gross Metallbau UG (haftungsbeschränkt)"),
    ("Jäger Söhne", "Jaeger Soehne"),
    ("Sørensen Færge", "Sorensen Faerge"),
    ("Żółty Młyn", "Zolty Mlyn"),
    ("D’Arcy's Bakery", "DArcys Bakery"),
    ("Sunrise Care", "Sun Rise Care"),
    ("Cope Paxton", "\u0421\u043e\u0440\u0435 \u0420axton"),  # Cyrillic letters
    ("Acme Inc", "Acme Inc d/b/a Foo"),
    ("Foo", "Acme, Inc. DBA Foo"),
    ("Foo Ltd", "Acme Inc (d.b.a. Foo)"),
    ("Harbour Fish Ltd", "J Smith t/a Harbour Fish"),
    ("J Smith", "J. Smith trading as Harbour Fish"),
    ("J Smith", "J Smith (now trading as: Harbour Fish)"),
    ("Bakker Fietsen", "K. Bakker h.o.d.n. Bakker Fietsen"),
    ("Oak Dental", "Oak Dental c/o Northgate Holdings"),
    ("Oak Dental", "Elm Dental, formerly Oak Dental"),
    ("Oak Dental", "Elm Dental – formerly known as Oak Dental Ltd"),
    ("Oak Dental", "Elm Dental (was Oak Dental)"),
    ("Oak Dental", "Elm Dental [ex: Oak Dental]"),
    ("Elm Dental GmbH", "Elm Dental AG (früher Oak Dental)"),
    ("Oak Dental", "Elm Dental f/k/a Oak Dental"),
    ("Oak Dental a/k/a Oak", "Elm Dental (formerly Oak)"),
]

NOT_ALIKE = [
    ("Consulting Ltd", "DBA Consulting Ltd"),  # a name that begins so
    ("Bakery", "Formerly Known As Bakery"),
    ("Company", "The Was Company"),
    ("Rail", "Ex Rail"),
    ("Alpine Dental", "Alpine (Garden)"),
    ("Alpine", "Alpine (Switzerland)"),
]


@pytest.mark.parametrize(("name", "other"), ALIKE)
def test_a_row_that_looks_like_a_record_is_not_created_without_a_question(name, other):
    case = new({"a": {"name": name}}, {5: {"companyName": other}})
    assert (case.why("a"), case.create_) == ([NEEDS_DECISION], [])
    assert case.texts("a")[0].startswith("looks like Contracts 5")


@pytest.mark.parametrize(("name", "other"), ALIKE)
def test_two_new_rows_that_look_alike_are_a_question_on_both(name, other):
    case = new({"a": {"name": name}, "b": {"name": other}})
    assert case.why("a") == case.why("b") == [NEEDS_DECISION]
    assert case.texts("a") == [f"looks like {other}, which is new as well"]
    assert case.create_ == []


def test_rows_of_one_name_are_named_with_their_keys():
    case = new({key: {"name": "Alpine Dental"} for key in "abc"})
    assert case.texts("a") == [
        "looks like Alpine Dental (b) and Alpine Dental (c), which are new as well"
    ]
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Alpine"}}
    case = new(rows, {5: {"companyName": "Alpine"}}, {"b": 5})
    assert case.texts("a") == ["looks like Contracts 5 (Alpine), which is Alpine (b)'s"]


@pytest.mark.parametrize(("name", "other"), NOT_ALIKE)
def test_a_row_of_another_name_is_created(name, other):
    assert new({"a": {"name": name}}, {5: {"companyName": other}}).create_ == ["a"]


def test_rows_that_look_alike_are_created_or_left_out():
    case = new({"a": {"name": "Alpine Ltd"}, "b": {"name": "Alpine"}})
    assert remedy(case, "a") == (
        "`trueup decide customer a create --reason …`, "
        "or `trueup decide customer a ignore --reason …`"
    )


def test_the_one_that_is_decided_to_be_created_is_created():
    rows = {"a": {"name": "Alpine Ltd"}, "b": {"name": "Alpine"}}
    case = new(rows, decisions=decided("a", Verdict.CREATE))
    assert (case.create_, case.why("b")) == (["a"], [NEEDS_DECISION])
    both = decided("a", Verdict.CREATE) | decided("b", Verdict.CREATE)
    assert new(rows, decisions=both).create_ == ["a", "b"]


def test_with_the_other_one_ignored_a_row_is_created():
    rows = {"a": {"name": "Alpine Ltd"}, "b": {"name": "Alpine"}}
    case = new(rows, decisions=decided("b", Verdict.IGNORE))
    assert (case.create_, case.state.blocked) == (["a"], {})


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        ({"name": "Alpine AG", "web": "https://alpine.example"}, True),
        ({"name": "Alpine AG"}, True),  # a field that one of them has tells nothing
        ({"name": "Alpine AG", "web": "alpine-garden.example"}, False),
        ({"name": "Brightwater", "web": "alpine.example"}, False),
        ({"web": "alpine.example"}, True),
    ],
)
def test_new_rows_are_alike_where_every_field_that_both_have_is(other, alike):
    case = new({"a": {"name": "Alpine", "web": "www.alpine.example"}, "b": other})
    assert case.create_ == ([] if alike else ["a", "b"])


def test_a_row_that_looks_like_the_record_of_another_row_is_a_question():
    rows = {"a": {"name": "Alpine GmbH"}, "b": {"name": "Alpine"}}
    case = new(rows, {5: {"companyName": "Alpine"}}, {"b": 5})
    assert case.texts("a") == ["looks like Contracts 5 (Alpine), which is Alpine's"]
    other = {5: {"companyName": "Alpine", "webAddress": "alpine-garden.example"}}
    rows["a"]["web"] = "alpine.example"
    assert new(rows, other, {"b": 5}).create_ == ["a"]


def test_rows_of_one_name_that_belong_to_different_rows_are_not_alike():
    """Two customers may have a contract of one name each."""
    parent = spec("companyID", ref("account", "{{ source.account }}"))
    rows = {
        "a": {"name": "Microsoft 365", "account": "x"},
        "b": {"name": "Microsoft 365", "account": "y"},
        "c": {"name": "Microsoft 365", "account": "y"},
    }
    case = new(rows, more_fields=(parent,))
    assert case.create_ == ["a"]
    assert case.why("b") == case.why("c") == [NEEDS_DECISION]


def test_two_rows_of_one_parent_are_alike_however_many_others_have_that_name():
    parent = spec("companyID", ref("account", "{{ source.account }}"))
    others = {str(number): {"name": "Microsoft 365", "account": str(number)} for number in range(9)}
    two = {key: {"name": "Microsoft 365", "account": "y"} for key in ("a", "b")}

    case = new({**others, **two}, more_fields=(parent,))

    assert case.create_ == [*others]
    assert case.why("a") == case.why("b") == [NEEDS_DECISION]


def test_of_many_rows_with_one_name_a_few_are_named():
    rows = {str(number): {"name": f"Alpine {'AG' if number % 2 else ''}"} for number in range(50)}
    case = new(rows)
    assert case.create_ == []
    assert all(len(text.split(" and ")) <= 5 for key in rows for text in case.texts(key))


def test_without_fields_to_compare_no_rows_are_alike():
    rows = {"a": {"name": "Alpine"}, "b": {"name": "Alpine"}}
    assert Case(rows, keys=()).create_ == ["a", "b"]


# Succession


def test_a_row_that_takes_the_place_of_another_gets_its_record():
    case = Case({"a": {"name": "Renewed"}}, {5: {}}, handed_over={"a": 5})
    assert (case.ids, case.how) == ({"a": 5}, {"a": "succession"})


def test_a_record_that_is_handed_over_is_no_candidate_for_match_keys():
    rows = {"a": {}, "b": {"number": "77"}}
    case = Case(rows, {5: {"companyNumber": "77"}}, handed_over={"a": 5})
    assert (case.ids, case.create_) == ({"a": 5}, ["b"])
