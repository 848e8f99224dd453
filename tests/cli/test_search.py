"""Searching records in the sandbox by what a user types."""

import json
import re
from datetime import datetime

import pytest
from trueup.operations import record_copy

RESPECTED = {"text_case": "respected"}


def found(trueup, *arguments):
    code, out, err = trueup("search", *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize(
    ("mapping", "text", "record", "why"),
    [
        ("customer", "ALPINE DENTAL", 29683, ("companyName", "same")),
        ("customer", "dental alpine", 29683, ("companyName", "words")),
        ("customer", "info@alpine-dental.example", 29683, ("webAddress", "domain")),
        ("customer", "fohnwind", 29698, ("companyName", "begins")),
        ("service", "CFQ7TTC0LCHC:0002-A", 605, ("catalogNumberPartNumber", "same")),
        ("contact", "hochwacht frei", 30760, ("emailAddress", "words")),
        ("subscription", "Alpine Dental, Premium, yearly", 70045, None),
    ],
)
def test_a_record_is_found_by_name_number_part_number_domain_and_what_it_refers_to(
    trueup, mapping, text, record, why
):
    first = found(trueup, mapping, text)["found"][0]

    assert first["record"] == record
    if why:
        assert why in [(one["field"], one["fit"]) for one in first["why"]]


def test_the_case_of_letters_does_not_matter_even_where_autotask_minds_it(
    work, few_companies, trueup
):
    world = json.loads(few_companies.read_text())
    companies = world["records"]["Companies"]
    company = next(one for one in companies if one["id"] == 29683)
    company["webAddress"] = None
    lodges = ("alpine dental lodge", "ALPINE DENTAL AG LODGE")
    companies += [
        {**company, "id": 90_000 + n, "companyName": lodge} for n, lodge in enumerate(lodges)
    ]
    few_companies.write_text(json.dumps({**world, "switches": RESPECTED}))
    (work / ".trueup" / "autotask.sqlite").unlink()

    for text in ("alpine dental", "ALPINE DENTAL AG", "Dental", "alpine"):
        records = [one["record"] for one in found(trueup, "customer", text)["found"]]
        assert (text, 29683 in records) == (text, True)


def test_the_page_shows_why_each_fits_and_what_to_do(trueup):
    code, out, err = trueup("search", "customer", "alpine dental")

    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "  29683   Alpine Dental   linked to no row",
        (
            "      companyName is the same, "
            "webAddress contains it: https://www.alpine-dental.example"
        ),
    ]
    assert out.splitlines()[-1] == "→ `trueup link customer KEY ID` links a row to one of them."


def test_rows_that_are_linked_or_decided_are_named(applied, trueup):
    text = "decisions:\n- {mapping: customer, key: new, link: 29698}\n"
    (applied / "mappings" / "decisions.yaml").write_text(text)

    linked = found(trueup, "customer", "alpine dental")["found"][0]["linked"]
    both = found(trueup, "customer", "fohnwind")["found"][0]

    assert linked == [
        {
            "mapping": "customer",
            "key": "749c6782-f424-5dfa-8e93-3d7814286893",
            "name": "Alpine Dental AG",
        }
    ]
    assert [row["name"] for row in both["linked"]] == ["Föhnwind Energie AG"]
    assert [row["key"] for row in both["decided"]] == ["new"]
    out = trueup("search", "customer", "alpine dental")[1]
    assert "linked to Alpine Dental AG (customer 749c6782)" in out


def test_a_wrong_letter_is_no_obstacle_where_an_end_of_a_word_is_right(trueup):
    assert found(trueup, "customer", "Chalt Miremnt")["found"][0]["record"] == 29695
    assert found(trueup, "customer", "Alpnie Dnetal")["found"] == []


def test_what_runs_wrote_is_found_however_it_is_spelt(applied, trueup):
    assert applied.is_dir()
    assert found(trueup, "customer", "Alpnie Dnetal")["found"][0]["record"] == 29683


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("customers", "x"), "there is no mapping 'customers': the project has "),
        (("license_change", "x"), "appends ContractServiceAdjustments, which cannot be read back"),
        (("customer", "Alp*"), "TEXT has a wildcard, '*', at character 4: leave it out"),
        (("customer", "100% Cloud"), "TEXT has a wildcard, '%', at character 4"),
        (("customer", "..."), "TEXT '...' has neither a letter nor a digit"),
        (("customer", "a" * 10_000), "TEXT has 10,000 characters, and at most 200 are searched"),
    ],
)
def test_a_text_that_cannot_be_searched_is_an_error_before_anything_is_read(
    work, trueup, arguments, error
):
    (work / "examples" / "work365" / "account.json").unlink()

    code, out, err = trueup("search", *arguments)

    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert error in err


def test_nothing_found_is_no_error(trueup):
    code, out, err = trueup("search", "customer", "Nobody knows them")

    assert (code, err) == (0, "")
    assert out.startswith("No Companies fits. Searched Companies by companyName, webAddress, ")


def test_the_mapping_names_the_fields(work, trueup):
    file = work / "mappings" / "customer.yaml"
    mapping = file.read_text()
    file.write_text(mapping + "search: [city, companyName]\n")

    result = found(trueup, "customer", "zurich")

    assert result["searched"] == ["city", "companyName"]
    assert {one["values"]["city"] for one in result["found"]} <= {"Zurich", "Zürich"}

    file.write_text(mapping + "search: [countryID, town]\n")
    code, _, err = trueup("search", "customer", "zurich")
    assert code == 1
    assert "search: countryID is no text, so no part of it can be searched" in err
    assert "Companies has no field 'town'" in err


COPY = ".trueup/records.json"


def test_a_search_reads_what_the_last_plan_read_and_shows_when(saved, trueup):
    assert saved.exists()

    kept = found(trueup, "customer", "alpine dental")
    now = found(trueup, "customer", "alpine dental", "--fresh")
    out = trueup("search", "customer", "alpine dental")[1]

    assert (kept["calls"], now["read"]) == (0, None)
    assert now["calls"] > 0
    assert datetime.fromisoformat(kept["read"])
    assert [kept["found"][0][name] for name in ("record", "title", "active")] == [
        29683, "Alpine Dental", True
    ]  # fmt: skip
    assert kept["found"][0] == now["found"][0]
    looked = out.splitlines()[-2]
    assert re.fullmatch(
        r"Searched Companies by .*, as read by the plan of \d\d:\d\d, (just now|\d+ minutes? ago); "
        r"`--fresh` asks Autotask\.",
        looked,
    )
    service = found(trueup, "subscription", "Alpine Dental, Premium, yearly")
    assert (service["calls"], service["found"][0]["record"]) == (0, 70045)


def test_autotask_is_searched_if_no_record_of_the_plan_fits(saved, trueup):
    assert (saved.parent / COPY).exists()

    result = found(trueup, "customer", "Xyzzy Holdings")

    assert (result["found"], result["read"]) == ([], None)
    assert result["calls"] > 0


def test_the_copy_is_private_ignored_by_git_and_can_be_removed(work, trueup):
    trueup("plan")
    file = work / COPY
    kept = json.loads(file.read_text())

    assert file.stat().st_mode & 0o077 == 0
    assert {*kept["mappings"]} == {
        "customer", "contact", "service", "product", "contract", "subscription"
    }  # fmt: skip
    fields = kept["mappings"]["customer"]["fields"]
    assert fields == ["companyName", "webAddress", "companyNumber", "isActive"]
    file.unlink()
    assert found(trueup, "customer", "alpine dental")["read"] is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _kept: "no JSON",
        lambda _kept: "[]",
        lambda kept: json.dumps({**kept, "version": 99}),
        lambda kept: json.dumps({**kept, "read": "2026-01-01T10:00:00+00:00"}),
        lambda kept: json.dumps({**kept, "read": "2999-01-01T10:00:00+00:00"}),
        lambda kept: json.dumps({**kept, "read": "2026-01-01T10:00:00"}),
        lambda kept: json.dumps({**kept, "target": "another one"}),
        lambda kept: json.dumps(
            {**kept, "mappings": {"customer": {**kept["mappings"]["customer"], "fields": ["id"]}}}
        ),
    ],
    ids=["text", "list", "version", "old", "future", "no offset", "target", "fields"],
)
def test_a_copy_that_cannot_be_used_is_as_good_as_none(saved, trueup, spoil):
    file = saved.parent / COPY
    file.write_text(spoil(json.loads(file.read_text())))

    result = found(trueup, "customer", "alpine dental")

    assert (result["read"], result["found"][0]["record"]) == (None, 29683)


def test_a_run_removes_what_the_plan_before_it_read(work, trueup, saved):
    assert (work / COPY).exists()

    assert trueup("apply", saved, "--yes")[0] == 0

    assert not (work / COPY).exists()
    assert found(trueup, "customer", "Alpine Dental AG")["found"][0]["linked"]


def test_a_sandbox_that_is_filled_again_leaves_no_copy(work, trueup, saved, few_companies):
    assert (saved.parent / COPY).exists()

    assert trueup("sandbox", "reset")[0] == 0

    assert not (work / COPY).exists()


def test_too_many_records_are_not_kept(work, trueup, saved, monkeypatch):
    assert (work / COPY).exists()
    monkeypatch.setattr(record_copy, "LARGEST", 1_000)

    code, _, err = trueup("plan")

    assert (code, "note" in err.casefold()) == (0, False)
    assert not (work / COPY).exists()


def test_a_copy_that_cannot_be_written_does_not_stop_a_plan(work, trueup):
    (work / COPY).mkdir()

    code, out, err = trueup("plan")

    assert (code, out != "") == (0, True)
    assert f"{COPY} cannot be written" in err


def test_fields_that_only_a_search_uses_are_read_by_a_plan(work, trueup):
    file = work / "mappings" / "customer.yaml"
    file.write_text(file.read_text() + "search: [city, companyName]\n")
    trueup("plan")

    assert found(trueup, "customer", "zurich")["calls"] == 0
