"""A match key is evidence: what speaks against a record that fits makes it a question."""

import tracemalloc
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from trueup.model.mapping import Strength
from trueup.model.verdict import Verdict
from trueup.stages.match.agreement import agree
from trueup.stages.match.evidence import is_placeholder

from tests.stages.matching import (
    BY_NAME,
    BY_NUMBER,
    NEEDS_DECISION,
    Case,
    decided,
    remedy,
)

STRONG, NORMAL, WEAK = Strength.STRONG, Strength.NORMAL, Strength.WEAK


def by_number(rows, records, links=None, **more):
    """Rows and records that are matched by company number."""
    return Case(rows, records, links or {}, keys=(BY_NUMBER,), **more)


def numbered(number, row=(), record=(), **more):
    """A row and record 5, both with this number."""
    return by_number(
        {"a": {"number": number, **dict(row)}},
        {5: {"companyNumber": number, **dict(record)}},
        **more,
    )


def doubt(case, key="a"):
    """Why the record that fits may be another one; empty where the row has a record."""
    if not case.state.blocked:
        assert key in case.ids
        return ""
    assert (case.why(key), case.ids, case.create_) == ([NEEDS_DECISION], {}, [])
    (text,) = case.texts(key)
    return text


# Placeholders


@pytest.mark.parametrize("strength", Strength)
@pytest.mark.parametrize(
    "number", ["TBC", " tbc ", "n/a", "N.A.", "-", "00000", "0-0-0", "unknown"]
)
def test_a_placeholder_links_nothing_however_strong_the_key_is(number, strength):
    case = numbered(number, strength=strength, evidence=("companyName",))
    assert doubt(case).startswith(
        "may be Contracts 5: it fits by companyNumber, "
        f"but companyNumber {number.strip()!r} is a placeholder"
    )


def test_two_companies_with_one_placeholder_stay_apart():
    row, record = {"name": "Alpine Dental"}, {"companyName": "Brightwater Marine"}
    case = numbered("TBC", row, record, evidence=("companyName",))
    assert doubt(case) == (
        "may be Contracts 5 (Brightwater Marine): it fits by companyNumber, "
        "but companyNumber 'TBC' is a placeholder; "
        "companyName is Alpine Dental here and Brightwater Marine there"
    )


def test_a_project_adds_its_own_placeholders():
    assert doubt(numbered("HOUSE")) == ""
    case = numbered("HOUSE", placeholders=(" House ",))
    assert "companyNumber 'HOUSE' is a placeholder" in doubt(case)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("TBC", True),
        ("t.b.c.", True),
        ("N/A", True),
        ("--", True),
        ("", True),
        ("???", True),
        ("1111", True),  # one digit, repeated
        ("0000000000", True),
        ("12345", True),
        ("Keine", True),
        ("not yet", True),
        ("not available", True),
        ("néant", True),
        ("00", True),
        ("7", False),
        ("11", False),
        ("111", True),
        ("17", False),
        ("1121", False),
        ("AA", False),  # letters may be a short name
        ("A-17", False),
        ("Test Valley Farms", False),
        ("Naval", False),
    ],
)
def test_what_counts_as_a_placeholder(value, expected):
    assert is_placeholder(value) is expected


# Values that several rows or records have


def test_a_value_that_two_rows_share_links_neither():
    rows = {
        "a": {"number": "4711", "name": "Alpine"},
        "b": {"number": "4711", "name": "Brightwater"},
    }
    case = by_number(rows, {5: {"companyNumber": "4711"}})
    assert case.why("a") == case.why("b") == [NEEDS_DECISION]
    assert (
        case.texts("a")
        == case.texts("b")
        == ["may be Contracts 5: it fits by companyNumber, but 2 rows have companyNumber 4711"]
    )
    assert (case.ids, case.create_) == ({}, [])


def test_a_row_that_has_a_record_shares_its_value_anyway():
    rows = {"a": {"number": "4711"}, "b": {"number": " 4711"}}
    case = by_number(rows, {5: {"companyNumber": "4711"}, 6: {}}, {"b": 6})
    assert (case.ids, case.why("a")) == ({"b": 6}, [NEEDS_DECISION])
    assert case.texts("a")[0].endswith("but 2 rows have companyNumber 4711")


def test_a_value_that_two_records_share_is_a_question_even_where_only_one_is_free():
    records = {5: {"companyNumber": "4711"}, 6: {"companyNumber": "4711"}}
    case = by_number({"a": {"number": "4711"}, "b": {}}, records, {"b": 6})
    assert case.texts("a") == [
        "may be Contracts 5: it fits by companyNumber, but 2 Contracts have companyNumber 4711"
    ]
    assert case.ids == {"b": 6}


def test_a_shared_value_is_enough_where_other_fields_agree():
    rows = {
        "a": {"number": "4711", "name": "Alpine Dental GmbH"},
        "b": {"number": "4711", "name": "Brightwater"},
    }
    records = {5: {"companyNumber": "4711", "companyName": "Alpine Dental"}}
    case = by_number(rows, records, evidence=("companyName",))
    assert (case.ids, case.how) == ({"a": 5}, {"a": "match"})
    assert case.create_ == ["b"]  # its number is shared, its name is another: a company of its own


def test_a_strong_key_may_be_shared():
    records = {5: {"companyNumber": "4711"}, 6: {"companyNumber": "4711"}}
    rows = {"a": {"number": "4711"}, "b": {}}
    assert by_number(rows, records, {"b": 6}, strength=STRONG).ids == {"a": 5, "b": 6}


# Fields that contradict


@pytest.mark.parametrize(
    ("row", "record", "differing"),
    [
        (
            {"name": "Alpine Dental"},
            {"companyName": "Brightwater Marine"},
            "companyName is Alpine Dental here and Brightwater Marine there",
        ),
        (
            {"web": "https://www.alpine.example"},
            {"webAddress": "brightwater.example"},
            "webAddress is https://www.alpine.example here and brightwater.example there",
        ),
        (
            {"name": "St Mary School"},
            {"companyName": "St John School"},
            "companyName is St Mary School here and St John School there",
        ),
        (
            {"name": "Clinic North 1"},
            {"companyName": "Clinic North 2"},
            "companyName is Clinic North 1 here and Clinic North 2 there",
        ),
        ({"city": "Leeds"}, {"city": "Cardiff"}, "city is Leeds here and Cardiff there"),
        (
            {"price": Decimal("16.80")},
            {"unitPrice": Decimal(168)},
            "unitPrice is 16.80 here and 168 there",
        ),
    ],
)
def test_a_field_that_contradicts_makes_the_match_a_question(row, record, differing):
    evidence = ("companyName", "webAddress", "city", "unitPrice")
    case = numbered("4711", row, record, evidence=evidence)
    assert doubt(case).endswith(f"it fits by companyNumber, but {differing}")
    assert case.state.unknown_records["a"].startswith("it may be Contracts 5")
    assert doubt(numbered("4711", row, record)) == ""  # without `evidence` nothing is compared
    assert doubt(numbered("4711", row, record, evidence=evidence, strength=STRONG)) == ""


def test_every_field_that_contradicts_is_shown_even_where_another_agrees():
    row = {"name": "Alpine", "web": "alpine.example", "city": "Leeds"}
    record = {"companyName": "Brightwater", "webAddress": "alpine.example", "city": "Cardiff"}
    case = numbered("4711", row, record, evidence=("companyName", "webAddress", "city"))
    assert doubt(case).endswith(
        "but companyName is Alpine here and Brightwater there; city is Leeds here and Cardiff there"
    )


def test_a_field_that_either_side_leaves_empty_is_no_evidence():
    evidence = ("companyName", "webAddress")
    assert (
        doubt(numbered("4711", {"name": "Alpine"}, {"companyName": " "}, evidence=evidence)) == ""
    )
    assert doubt(numbered("4711", {}, {"companyName": "Alpine"}, evidence=evidence)) == ""


def test_the_field_that_matched_is_no_evidence_for_itself():
    case = Case(
        {"a": {"name": "Alpine"}, "b": {"name": "Alpine"}},
        {5: {"companyName": "Alpine"}},
        keys=(BY_NAME,),
        evidence=("companyName",),
    )
    assert case.why("a") == case.why("b") == [NEEDS_DECISION]


@pytest.mark.parametrize(
    ("desired", "actual", "expected"),
    [
        # names: without case, accents, punctuation and legal forms
        ("Alpine Dental AG", "ALPINE DENTAL", True),
        ("Müller & Söhne GmbH", "Muller Sohne", True),
        ("Van Dijk B.V.", "van dijk bv", True),
        ("Smith &amp; Sons", "Smith & Sons Ltd", True),
        ("Har\u200bbour Freight", "Harbour Freight", True),
        ("Alpine Dental Practice Leeds", "Alpine Dental", True),
        ("J. Meier", "Julia Meier", True),
        ("Bluebird", "Blue Bird Trading", True),
        ("Alpine Dentl", "Alpine Dental", True),  # a slip
        ("Alpine Detnal", "Alpine Dental", True),
        ("Meyer Transport", "Transport Meier", True),
        ("Müller Bau AG", "Mueller Bau", True),
        ("Meier Bros Transport Intl", "International Meier Brothers Transport", True),
        ("Saint Mary School", "St Mary School", True),
        ("Blue Bird Trading", "Bluebird", True),
        ("Alpine", "Brightwater", False),
        ("Julia Meier", "Peter Huber", False),
        ("St Mary School", "St John School", False),
        ("St Mary School", "St John School Zurich", False),
        ("Meier Meier", "Meier Huber", False),
        ("East Clinic", "West Clinic", False),
        ("M. Meyer", "Maria Meier", True),
        ("M. Meyer", "Meier Maria", True),
        ("Meier", "M. Meier", None),  # one letter may be all that tells two apart
        ("Clinic", "Clinic A", None),
        ("Blue Bird", "Bluebird K", None),
        ("Clinic K", "Clinic KZ", False),
        ("Bär Transport Leeds", "Baer Transport", True),
        # figures in names
        ("12 High St", "12 High Street", True),
        ("Bahnhofstrasse 12", "12 Bahnhofstr.", True),
        ("12 High Street", "14 High Street", False),
        ("Clinic North", "Clinic North 2", False),
        ("Clinic North", "Clinic North II", False),
        ("Clinic II", "Clinic 2", True),
        ("Clinic I", "Clinic II", False),
        ("Clinic I", "Clinic III", False),
        ("Clinic I", "Clinic V", False),
        ("Clinic XII", "Clinic XIII", False),
        ("Contract 2025", "Contract 2026", False),
        ("12/3 Main St", "3/12 Main St", False),
        ("12/3 Main St", "1/23 Main St", False),
        ("Unit 1 Block 2", "Unit 2 Block 1", False),
        ("Unit 1 Block 2", "Block 1 Unit 2", False),
        ("Unit 1 Block 2", "1 Block 2 Unit", False),
        ("Flat 3A, Block B", "Flat 3B, Block A", False),
        ("Flat 3A, Block B", "flat 3 a block b", True),
        # products
        ("Entra P1 Intune P2", "Entra P2 Intune P1", False),
        ("M365 F3 (frontline)", "Microsoft 365 F3", True),
        ("M365 E3", "Microsoft 365 E3", True),
        ("M365 F3, yearly", "M365 E3, yearly", False),
        ("Microsoft 365 E3", "Microsoft 365 E5", False),
        ("Microsoft 365 E3", "Microsoft 365 F3", False),
        ("Microsoft 365 Business Basic", "Microsoft 365 Business Premium", False),
        # terms of products: the longest counts, and often only one of two names has it
        ("M365 Business Standard annual", "Microsoft 365 Business Standard, yearly", True),
        ("Exchange Online P1 annual", "Exchange Online (Plan 1), yearly", True),
        ("Exchange Online (Plan 1) P1Y", "Exchange Online (Plan 1)", True),
        ("Microsoft 365 E3 (1 Year)", "Microsoft 365 E3", True),
        ("Microsoft 365 E3 P1Y", "Microsoft 365 E3, 12 months", True),
        ("Microsoft 365 E3 P1M", "Microsoft 365 E3 P1Y", False),
        ("Microsoft 365 E3 P3Y", "Microsoft 365 E3 P1Y", False),
        ("Microsoft 365 E3, monthly", "Microsoft 365 E3, yearly", False),
        ("Microsoft 365 E3 NCE Annual/Monthly", "Microsoft 365 E3, yearly", True),
        ("Teams, annual commitment, monthly billing", "Teams, yearly", True),
        ("Teams, annual commitment, monthly billing", "Teams, monthly", False),
        ("Backup, semi-annual", "Backup, yearly", False),
        ("Backup, half-yearly", "Backup, yearly", False),
        ("Backup, half-yearly", "Backup, semiannually", True),
        ("Blue Bird P1Y", "Bluebird, yearly", True),
        ("Microsoft 365 E5 P1Y", "Microsoft 365 E5 Month to Month", False),
        ("Microsoft 365 E5 (1 Year)", "Microsoft 365 E5 monatlich", False),
        ("Microsoft 365 E5 (1 Year)", "Microsoft 365 E5, per month", False),
        ("Microsoft 365 E5, 12 Months", "Microsoft 365 E5 Mensuel", False),
        ("Microsoft 365 E5, 12 Months", "Microsoft 365 E5 Monat", False),
        ("Microsoft 365 E5 P1Y", "Microsoft 365 E5 (Month)", False),
        ("Microsoft 365 E5 P1Y", "Microsoft 365 E5 triennial", False),
        ("Jahr Treuhand AG", "Meier Treuhand AG", False),
        ("Year Trading", "Smith Trading", False),
        ("Gruner + Jahr", "Gruner + Meier", False),
        ("Alpine Dental MO", "Alpine Dental Kansas", False),
        ("Springfield, MO", "Springfield, IL", False),
        ("Jahr Treuhand AG", "Jahr Treuhand", True),
        ("Defender Plus (Month)", "Defender Plus, monthly", None),
        ("Domestic Calling Plan (12 months)", "Domestic Calling Plan, yearly", True),
        ("Domestic Calling Plan (3 years)", "Domestic Calling Plan P3Y", True),
        ("Domestic Calling Plan 12 months", "Domestic Calling Plan", True),
        ("Pro Protect P1Y", "Protect", True),
        ("Microsoft 365 E5 P3Y", "Microsoft 365 E5 per annum", False),
        ("Microsoft 365 E5 P3Y", "Microsoft 365 E5 yrly", False),
        ("Microsoft 365 E5 P3Y", "Microsoft 365 E5, one year", False),
        ("Microsoft 365 E5, three years", "Microsoft 365 E5, yearly", False),
        ("Microsoft 365 E5, three years", "Microsoft 365 E5 (36 mo)", True),
        ("Microsoft 365 E5 jährlich", "Microsoft 365 E5 P1Y", True),
        ("Microsoft 365 E5 jaehrlich", "Microsoft 365 E5, 1 Jahr", True),
        ("Microsoft 365 E5 mthly", "Microsoft 365 E5 mensuel", True),
        ("Exchange Online (Plan 1), month to month", "Exchange Online (Plan 1)", True),
        ("Exchange Online (Plan 1), month to month", "Exchange Online (Plan 2)", False),
        ("Backup, weekly", "Backup, monthly", False),
        ("Backup, bi-monthly", "Backup, yearly", False),
        ("Backup, bi-monthly", "Backup, semi-monthly", False),
        ("Backup, semi-monthly", "Backup, yearly", False),
        ("Backup, biannual", "Backup, half-yearly", True),
        ("Backup, biennial", "Backup, P2Y", True),
        # a term of one name, and words of the other that may be a term
        ("Microsoft 365 E5 P1Y", "Microsoft 365 E5 zwei Jahre", None),
        ("Backup, yearly", "Backup, daily", None),
        ("M365 F3 (frontline)", "Microsoft 365 F3, monthly", None),
        ("M365 F3 (frontline), monthly", "Microsoft 365 F3", True),
        ("Blue Bird P1Y", "Bluebird Trading", None),
        ("Yearly", "Backup, yearly", False),
        ("Yearly", "Monthly", False),
        ("Yearly", "Backup", False),
        # numbers: letters and figures, without anything else
        ("K 1001", "k-1001", True),
        ("K.1001", "K 1001", True),
        ("K-1001", "K-1002", False),
        ("K.1001", "K.1002", False),
        ("K-1001", "M-1001", False),
        ("A1001", "1001A", False),
        ("CUS-10023", "BUS-10023", False),
        ("ALPHA-1001", "ALPHB-1001", False),  # no slip counts in a number
        ("2026-A-001", "2026-B-001", False),
        ("FR12345678901", "IT12345678901", False),
        ("1012 NV", "1012 BV", False),  # no legal form
        ("SA 1001", "AS 1001", False),
        ("CO-1001", "LP-1001", False),
        ("M365 E3", "M365 F3", False),
        ("O365 E3", "M365 E3", False),
        ("8001", "8002", False),
        ("1012 AB", "1012 XZ", False),
        ("SW1A 1AA", "sw1a1aa", True),
        ("SW1A 1AA", "SW1A 1AB", False),
        ("G1 2AB", "G2 1AB", False),
        ("E1 8AA", "E1W 8AA", False),
        ("K1A 0B1", "K1B 0A1", False),
        ("M5V 2T6", "M2V 5T6", False),
        ("01234", "1234", None),  # a spreadsheet leaves out leading zeros
        ("CH-8001", "8001", None),
        ("1012 AB", "1012", None),
        ("CH-8001", "8002", False),
        ("CH-8001", "CH 8001 Wil", None),
        ("G4S plc", "G4S", None),
        ("3i plc", "3i", None),
        ("8x8 Inc", "8x8", None),
        ("A2B Ltd", "A2B", None),
        ("O2 (UK) Ltd", "O2 UK", None),
        ("4D AG", "4D", None),
        ("Café21", "Cafe21", None),
        ("Müller24", "Mueller24", None),
        ("No. 5, Elm Rd", "5 Elm Rd", None),
        ("No. 5, Elm Rd", "6 Elm Rd", False),
        ("M365 E3", "M365 E3 NCE", None),
        ("M365 E3", "M365 E5 NCE", False),
        ("EMS E3", "EMS E3 P1Y", None),
        ("EMS E3 P1M", "EMS E3 P1Y", False),
        ("CUS-0042", "CUS-42", None),
        ("CUST 0042", "CUST 42", None),
        ("CUST 0042", "CUST 43", False),
        ("Clinic 02", "Clinic 2", None),
        ("Backup 1.05 TB", "Backup 1.5 TB", False),
        ("Customer 10023", "10023", None),
        ("Customer 10023", "10024", False),
        ("Vendor 10023", "10023 AB", None),
        ("Vendor 10023", "10023 XY", False),
        ("CH-8001", "D-8001", False),
        # the same figures in other groups, but in a long number that one of two has in one piece
        ("1/12 Bay St", "11/2 Bay St", None),
        ("1, 12 Oak Rd", "11, 2 Oak Rd", None),
        ("Apt 1, 2 Elm Dr", "Apt 12 Elm Dr", None),
        ("5-7 Dam", "57 Dam", None),
        ("Am See 1/2", "Am See 12", None),
        ("PO Box 1 23", "PO Box 12 3", None),
        ("1-12", "11-2", None),
        ("K-1-12", "K-11-2", None),
        ("2026-1-11", "2026-11-1", None),
        ("1.11.2026", "11.1.2026", None),
        ("11.11.2026", "1.11.12026", None),
        ("10.1.11.1", "10.11.1.1", None),
        ("1&1", "11", None),
        ("\uff11\uff12-\uff13", "12-3", True),  # figures of full width
        ("1.5 TB", "15 TB", None),
        ("2.0", "20", None),
        ("12.5", "125", None),
        ("1234567.89", "123456789", None),
        ("DE 12 345678", "DE 1 2345678", None),
        ("DE 123 456 789", "DE123456789", True),
        ("CHE-123.456.789", "che 123456789", True),
        # phones: with and without the code of the country
        ("020 7946 0123", "020 79460123", True),
        ("+44 20 7946 0123", "+442079460123", True),
        ("(020) 7946 0123", "020-79 46 01 23", True),
        ("020 7946 0123", "+44 20 7946 0123", True),
        ("020 7946 0123", "+44 (0)20 7946 0123", True),
        ("020 7946 0123", "+44 20 7946 0124", False),
        ("020 7946 0123", "020 7946 0124", False),
        ("+41 44 668 18 00", "+49 44 668 18 00", False),
        ("0041 44 668 18 00", "044 668 18 00", True),
        ("(0044) 20 7946 0123", "020 7946 0123", True),
        ("Tel. 044 668 18 00", "+41 44 668 18 00", True),
        ("+44 20 7946 0123 ext. 5", "020 7946 0123", True),
        ("+44 20 7946 0123 x5", "020 7946 0123 ext 5", True),
        ("+44 20 7946 0123 ext. 5", "+44 20 7946 0123 ext. 6", False),
        ("20 7946 0123", "020 7946 0123", None),
        ("0044 1001", "1001", False),  # too short for a phone
        ("0012345678", "2345678", None),  # no phone of the country with the code 1
        ("0012345678", "2345679", False),
        # numbers with a code that are not, or not yet, given to anybody
        ("+49 176 123456", "0176 123456", True),
        ("+45 12 34 56 78", "12345678", True),
        ("+1 555 123 4567", "(555) 123-4567", True),
        ("+44 1632 960123", "01632 960123", True),
        ("+44 1632 960123 ext 12", "+44 1632 960123 #12", True),
        ("+44 1632 960123 ext 12", "01632 960123#13", False),
        ("+44 1632 960123", "01632 960124", False),
        ("0044 1632 960123", "01632 960123", None),
        ("0044 1632 960123", "00441632960123", True),
        ("0044 1632 960123", "+44 1632 960123", True),
        ("0012345678", "12345678", None),
        # web addresses: by domain
        ("https://www.Alpine.example/", "alpine.example", True),
        ("https://www.alpine.example/contact", "alpine.example", None),
        ("shop.alpine.example", "alpine.example", True),
        ("alpine.co.uk", "alpine.com", None),
        ("alpine.example", "brightwater.example", False),
        ("shop.alpine.example", "shop.brightwater.example", False),
        ("alpine.onmicrosoft.com", "alpine.com", None),
        ("alpine.onmicrosoft.com", "brightwater.onmicrosoft.com", False),
        ("pages.example/alpine", "https://pages.example/brightwater/", None),
        ("pages.example/alpine", "https://pages.example/Alpine/", True),
        ("pages.example/alpine", "pages.example", None),
        ("pages.example/alpine", "brightwater.example", False),
        ("https://pages.example#alpine", "https://pages.example#brightwater", None),
        ("https://pages.example?site=1", "https://pages.example/?site=2", None),
        ("pages.example:81", "pages.example:82", None),
        ("alpine.onmicrosoft.com", "alpine.mail.onmicrosoft.com", None),
        # an ending, or a host of sites for many, is no site
        ("co.uk", "alpine.co.uk", None),
        ("co.uk", "alpine.com", False),
        ("me.com", "https://me.com", True),
        ("onmicrosoft.com", "alpine.onmicrosoft.com", None),
        ("github.io", "alpine.github.io", None),
        ("alpine.github.io", "brightwater.github.io", False),
        # a dot alone makes no web address
        ("St.Gallen", "St.Moritz", False),
        ("St.Gallen", "St. Gallen", True),
        ("Dr.Huber", "Dr.Meier", False),
        ("K.1001/2", "K.1001/3", False),
        ("meier.dental", "meyer.dental", None),
        ("alpine.dental", "Alpine.dental", True),
        ("alpine.dental", "brightwater.dental", False),
        ("alpine.dental", "https://alpine.dental", True),
        # mail addresses: whole, and two of one domain may be of one company or of two people
        ("info@alpine.example", " Info@Alpine.example", True),
        ("info@alpine.example", "sales@alpine.example", None),
        ("info@alpine.example", "alpine.example", None),
        ("info@alpine.example", "https://www.brightwater.example", False),
        ("info@alpine.example", "info@brightwater.example", False),
        ("!", "?", None),
    ],
)
def test_two_texts_agree_contradict_or_tell_nothing(desired, actual, expected):
    assert agree(desired, actual) is expected
    assert agree(actual, desired) is expected


@pytest.mark.parametrize(
    ("desired", "actual", "expected"),
    [
        # amounts: of one size
        (Decimal("16.80"), Decimal("17.50"), True),
        (Decimal("16.80"), 20, True),
        (Decimal(10), Decimal("19.99"), True),
        (Decimal(10), Decimal(20), False),
        (Decimal(10), 101.5, False),
        (Decimal(0), Decimal(20), None),
        # anything else
        (5, 5, True),
        (5, 6, False),
        (None, "x", None),
        ("x", "", None),
    ],
)
def test_two_values_agree_contradict_or_tell_nothing(desired, actual, expected):
    assert agree(desired, actual) is expected


LETTERS = st.text("ABX", min_size=1, max_size=3)
FIGURES = st.text("012", min_size=1, max_size=4)
SEPARATORS = ("", " ", "-", "/", "_")


@st.composite
def identifiers(draw):
    """Letters and figures in turn: the parts of `K-1001`, `1012 AB` or `SW1A 1AA`."""
    count, first = draw(st.integers(2, 5)), draw(st.integers(0, 1))
    return [draw((LETTERS, FIGURES)[number % 2]) for number in range(first, first + count)]


@st.composite
def spellings(draw, parts):
    """An identifier, typed with other separators, blanks and capitals."""
    separators = [draw(st.sampled_from(SEPARATORS)) for _ in parts[1:]]
    text = parts[0] + "".join(map(str.__add__, separators, parts[1:]))
    return draw(st.sampled_from((text, text.lower(), f" {text} ")))


@st.composite
def neighbours(draw, parts):
    """An identifier that is much like another one: one part changed, or its parts turned round."""
    changed, at = list(parts), draw(st.integers(0, len(parts) - 1))
    changed[at] = draw(LETTERS if parts[at].isalpha() else FIGURES)
    return draw(st.sampled_from((changed, parts[::-1])))


@given(st.data())
def test_a_number_agrees_with_itself_however_it_is_typed(data):
    parts = data.draw(identifiers())

    assert agree(data.draw(spellings(parts)), data.draw(spellings(parts))) is True


@given(st.data())
def test_numbers_that_differ_in_a_letter_or_a_figure_never_agree(data):
    parts = data.draw(identifiers())
    other = data.draw(neighbours(parts))
    assume("".join(parts) != "".join(other))

    assert agree(data.draw(spellings(parts)), data.draw(spellings(other))) is not True


WORDS = ("Alpine", "Dental", "Meier", "Meyer", "Maria", "Marie", "Transport", "Intl", "Saint")
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).flatmap(
    lambda words: st.sampled_from(([], ["M."], ["2"], ["II"])).map(lambda mark: words + mark)
)
PARTS = ("St", "M.", "2", "02", "II", "K", "1001", "1/12", "11/2", "G4S", "plc", "P1Y", "yearly")
ADDRESSES = ("al.ch", "a@al.ch", "github.io", "+44 20 7946 0123")
TEXTS = st.lists(st.sampled_from((*WORDS, *PARTS, *ADDRESSES)))
TERMS = (
    ("monthly", "P1M", "1 month", "per month", "month-to-month", "mthly", "monatlich", "mensuel"),
    ("quarterly", "P3M", "3 months", "three months"),
    ("half-yearly", "semi-annual", "biannual", "P6M", "halbjährlich"),
    ("yearly", "annual", "P1Y", "P12M", "per annum", "one year", "1 yr", "(Jahr)", "annuel"),
    ("triennial", "P3Y", "36 mo", "3 Jahre", "three-year", "per 3 years"),
)


@given(st.data())
def test_the_order_of_words_does_not_change_whether_names_agree(data):
    one, other = data.draw(NAMES), data.draw(NAMES)
    shuffled = data.draw(st.permutations(one)), data.draw(st.permutations(other))

    assert agree(" ".join(one), " ".join(shuffled[0])) is True
    assert agree(" ".join(one), " ".join(other)) is agree(*map(" ".join, shuffled))


@pytest.mark.parametrize("terms", TERMS, ids=lambda terms: terms[0])
@pytest.mark.parametrize("others", TERMS, ids=lambda terms: terms[0])
def test_names_agree_with_terms_of_one_length_only(terms, others):
    for term, other in product(terms, others):
        found = agree(f"Microsoft 365 E3, {term}", f"Microsoft 365 E3 ({other})")
        assert found is (terms is others), (term, other)


@given(TEXTS.map(" ".join), TEXTS.map(" ".join))
def test_two_texts_agree_whichever_of_them_is_the_record_s(one, other):
    assert agree(one, other) is agree(other, one)


# Strength


def test_a_weak_key_is_a_question_by_itself():
    assert doubt(numbered("4711", strength=WEAK)) == (
        "may be Contracts 5: it fits by companyNumber, "
        "but companyNumber alone is no proof, and no other field agrees"
    )


def test_a_weak_key_is_enough_where_a_text_agrees():
    row, record = {"name": "Alpine Ltd"}, {"companyName": "Alpine"}
    case = numbered("4711", row, record, strength=WEAK, evidence=("companyName",))
    assert (case.ids, case.how) == ({"a": 5}, {"a": "match"})


def test_a_price_that_agrees_is_no_proof_for_a_weak_key():
    row, record = {"price": Decimal(10)}, {"unitPrice": Decimal(10)}
    case = numbered("4711", row, record, strength=WEAK, evidence=("unitPrice",))
    assert "is no proof" in doubt(case)


# Several keys


def test_another_key_that_is_sure_links_the_row():
    case = Case(
        {"a": {"number": "TBC", "name": "Alpine"}},
        {5: {"companyNumber": "TBC"}, 6: {"companyName": "Alpine"}},
    )
    assert (case.ids, case.how) == ({"a": 6}, {"a": "match"})


def test_of_two_doubts_the_first_is_shown():
    case = Case(
        {"a": {"number": "TBC", "name": "unknown"}},
        {5: {"companyNumber": "TBC"}, 6: {"companyName": "unknown"}},
    )
    assert case.texts("a")[0].startswith("may be Contracts 5: it fits by companyNumber")


# The ways out


def test_a_person_links_or_creates():
    case = numbered("TBC")
    assert remedy(case, "a") == (
        "`trueup link customer a 5`, or `trueup decide customer a create --reason …`"
    )
    linked = numbered("TBC", decisions=decided("a", Verdict.LINK, 5))
    assert (linked.ids, linked.how) == ({"a": 5}, {"a": "decision"})
    created = numbered("TBC", decisions=decided("a", Verdict.CREATE))
    assert (created.ids, created.create_) == ({}, ["a"])


def test_a_doubtful_record_that_turns_out_to_be_another_row_s_is_no_question():
    rows = {"a": {"number": "TBC"}, "b": {}}
    case = by_number(rows, {5: {"companyNumber": "TBC", "externalID": "b"}})
    assert (case.ids, case.create_, case.state.blocked) == ({"b": 5}, ["a"], {})


def test_the_question_precedes_the_create_setting_of_the_mapping():
    assert "is a placeholder" in doubt(numbered("TBC", create="never"))


@pytest.mark.parametrize("text", ["x" * 1_000_000, "word " * 200_000])
def test_names_of_megabytes_are_compared_by_their_beginning(text):
    tracemalloc.start()
    try:
        found = agree("Alpine Dental", text), agree(f"{text} y", f"{text} z")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found == (False, True)
    assert peak < 5 * len(text)
