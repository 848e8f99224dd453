"""Why a field differs: the source, the mapping, an edit in Autotask, both, or the first plan."""

from decimal import Decimal

import pytest

from tests.support.scene import (
    END,
    LINE,
    Scene,
    account,
    actions,
    change_of,
    codes,
    day,
    kept,
    settled,
)
from tests.support.small_project import FILES, changed, decisions

LATER_END = "endDate is 2028-12-31 in Autotask and should be 2027-06-30: the later day stays"


def reasons(made, id_="customer:acc"):
    return {field.field: str(field.reason) for field in change_of(made, id_).fields}


def upper_case(files: dict[str, str]) -> dict[str, str]:
    """The mapping with the description in upper case."""
    before, after = "{{ source.name }}", "{{ source.name | upper }}"
    return {
        name: text.replace(f'invoiceDescription: "{before}"', f'invoiceDescription: "{after}"')
        for name, text in files.items()
    }


def shown(made, field, id_="customer:acc"):
    one = next(one for one in change_of(made, id_).fields if one.field == field)
    return one.shown_before, one.shown_after


def test_the_source_changed():
    scene = settled()
    scene.row("account")["phone"] = "2"
    made = scene.plan()
    assert reasons(made) == {"phone": "source"}
    assert shown(made, "phone") == ("1", "2")


def test_the_mapping_changed():
    scene = settled()
    scene.files(
        changed(
            "mappings/customer.yaml",
            'companyName: "{{ source.name }}"',
            'companyName: "{{ source.name | upper }}"',
        )
    )
    assert reasons(scene.plan()) == {"companyName": "mapping"}


def test_the_mapping_changed_although_a_run_wrote_back_to_the_row():
    scene = settled()
    assert scene.row("subscription")["psa_system_id"]
    files = changed(
        "mappings/subscription.yaml",
        "repeat:",
        '  invoiceDescription: "{{ source.name }}"\nrepeat:',
    )
    scene.files(files)
    scene.sync()
    scene.files(upper_case(files))
    assert reasons(scene.plan(), "subscription:sub") == {"invoiceDescription": "mapping"}


def with_city(city: str) -> dict[str, str]:
    """The mapping of customers with a city of this expression, and the main contact joined."""
    text = FILES["mappings/customer.yaml"]
    join = "join: {contact: {table: contact, on: {id: primary_contact}, one: true}}"
    for old, new in (
        ('city: {value: "{{ source.city }}", manage: fill}', f'city: "{{{{ {city} }}}}"'),
        ("source: {table: account,", f"source: {{table: account, {join},"),
    ):
        assert old in text
        text = text.replace(old, new)
    return {"mappings/customer.yaml": text}


@pytest.mark.parametrize(
    ("city", "then", "reason"),
    [
        ("related.contact.last_name", "source.name", "mapping"),
        ("related.contact.last_name", "related.contact.last_name", "related"),
        ("plan.as_of", "plan.as_of", "related"),
        ("source.name", "source.name | upper", "mapping"),
    ],
)
def test_what_is_made_of_more_than_its_row_is_not_put_down_to_the_mapping(city, then, reason):
    scene = Scene()
    scene.files(with_city(city))
    scene.source.tables["contact"] = {"ann": {"id": "ann", "last_name": "Lee"}}
    scene.row("account")["primary_contact"] = "ann"
    scene.sync()

    scene.row("contact")["last_name"] = "Low"
    scene.files(with_city(then))
    made = scene.plan(as_of=day(11, 16))

    assert reasons(made) == {"city": reason}


def test_a_reference_to_another_record_is_not_put_down_to_the_mapping():
    scene = settled()
    scene.add("account", account("p", name="Parent AG", number="P-1"))
    scene.row("account", "acc")["parent"] = "p"
    scene.sync()
    companies = scene.target.records["Companies"]
    parent = next(one for one in companies.values() if one["companyName"] == "Parent AG")
    companies[900] = {**parent, "id": 900, "udf.Work 365 Id": None}
    scene.files(decisions("{mapping: customer, key: p, link: 900}"))

    assert reasons(scene.plan()) == {"parentCompanyID": "related"}


def test_a_run_that_writes_back_as_well_leaves_no_trace_in_the_reason():
    files = changed(
        "mappings/subscription.yaml",
        "repeat:",
        '  invoiceDescription: "{{ source.name }}"\nrepeat:',
    )
    scene = Scene()
    scene.files(files)
    scene.sync()
    scene.files(upper_case(files))
    assert reasons(scene.plan(), "subscription:sub") == {"invoiceDescription": "mapping"}


def test_somebody_edited_autotask_and_it_is_put_back():
    scene = settled()
    scene.target.only("Companies")["phone"] = "9"
    made = scene.plan()
    assert reasons(made) == {"phone": "drift"}
    assert shown(made, "phone") == ("9", "1")
    scene.apply(made)
    assert scene.target.only("Companies")["phone"] == "1"


def test_both_changed():
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.target.only("Companies")["phone"] = "9"
    assert reasons(scene.plan()) == {"phone": "both"}


def test_the_first_alignment():
    made = kept().plan()
    assert reasons(made) == {"udf.Work 365 Id": "first"}


def test_a_new_record_is_new():
    assert set(reasons(Scene().plan()).values()) == {"new"}


def test_the_extension_of_a_contract_has_a_change_of_the_source_as_reason():
    scene = settled()
    scene.row("billing_contract")["end_date"] = day(12, 31, 2029)
    assert reasons(scene.plan(), "contract:con") == {"endDate": "source"}


def test_a_contract_is_never_shortened_by_itself():
    scene = settled()
    scene.row("billing_contract")["end_date"] = day(12, 31, 2027)
    assert actions(scene.plan()) == []


def test_what_is_filled_only_where_it_is_empty_is_left_alone_afterwards():
    scene = settled()
    scene.row("account")["city"] = "Bern"
    scene.sync()
    assert scene.target.only("Companies")["city"] == "Bern"
    scene.row("account")["city"] = "Basel"
    assert actions(scene.plan()) == []


def test_what_is_set_on_create_is_never_compared():
    scene = settled()
    scene.target.only("Contracts")["status"] = 0
    scene.target.only("Companies")["companyType"] = 2
    assert actions(scene.plan()) == []


def test_prices_are_never_compared():
    scene = settled()
    for service in scene.target.records["Services"].values():
        service["unitPrice"] = Decimal(99)
    scene.target.only("ContractServices")["internalCurrencyAdjustedPrice"] = Decimal(1)
    scene.row("product", "pro")["price"] = Decimal(77)
    assert actions(scene.plan()) == []


def test_one_field_that_differs_is_one_field_that_is_written():
    scene = settled()
    scene.row("account")["phone"] = "2"
    assert change_of(scene.plan(), "customer:acc").values == {"phone": "2"}


def test_references_are_shown_by_the_name_of_what_they_refer_to():
    made = Scene().plan()
    assert shown(made, "companyID", "contract:con") == ("–", "Alpine Dental (new)")
    scene = kept()
    scene.target.records["Contracts"].clear()
    scene.target.records["ContractServices"].clear()
    assert shown(scene.plan(), "companyID", "contract:con") == ("–", "Alpine Dental (101)")


def test_picklists_are_shown_by_their_labels():
    assert shown(Scene().plan(), "contractType", "contract:con") == ("–", "Recurring Service")


def test_a_field_that_may_not_be_written_again_and_differs_blocks_the_row():
    scene = settled()
    scene.add("account", {**scene.row("account"), "id": "b", "number": "B-1", "name": "Brook Ltd"})
    scene.sync()
    scene.row("billing_contract")["customer"] = "b"
    made = scene.plan()
    (blocked,) = [one for one in made.blocked if one.mapping == "contract"]
    assert blocked.findings[0].code == "create-only-differs"
    assert "companyID" in blocked.findings[0].text


@pytest.mark.parametrize("clear", [False, True])
def test_a_value_that_is_gone_is_left_alone_unless_the_mapping_clears_it(clear):
    scene = Scene()
    if clear:
        scene.files(
            changed(
                "mappings/customer.yaml",
                'companyNumber: "{{ source.number }}"\n  companyType',
                'companyNumber: {value: "{{ source.number }}", clear: true}\n  companyType',
            )
        )
    scene.sync()
    scene.row("account")["number"] = None
    made = scene.plan()
    assert actions(made) == ([("update", "customer")] if clear else [])
    if clear:
        scene.apply(made)
        assert scene.target.only("Companies")["companyNumber"] is None
        assert actions(scene.plan()) == []


def test_a_mark_shows_what_it_sets():
    made = kept().plan()
    mark = change_of(made, "subscription:sub:mark")
    assert (mark.entity, mark.values) == ("subscription", {"psa_system_id": str(LINE)})
    assert (
        change_of(Scene().plan(), "subscription:sub:mark").fields[0].shown_after
        == "known after apply"
    )


def test_values_of_a_former_record_are_no_edits_of_the_new_one():
    scene = settled()
    companies = scene.target.records["Companies"]
    (linked,) = [
        link.record for link in scene.state.load().links.values() if link.mapping == "customer"
    ]
    other = {**companies.pop(linked), "id": 900, "companyName": "Harbour Group", "phone": None}
    companies[900] = other
    scene.files(decisions("{mapping: customer, key: acc, link: 900}"))

    made = scene.plan()

    assert reasons(made) == {"companyName": "first", "phone": "first"}


@pytest.mark.parametrize(
    ("linked", "end", "texts"),
    [
        (True, day(6, 30, 2027), [LATER_END]),
        (False, day(6, 30, 2027), [LATER_END]),
        (True, END, []),
        (True, day(6, 30, 2029), []),
        (True, None, []),
    ],
)
def test_an_earlier_day_of_a_field_that_is_only_extended_is_reported(linked, end, texts):
    scene = settled() if linked else kept()
    scene.row("billing_contract")["end_date"] = end

    made = scene.plan()

    found = [one for one in made.findings if one.mapping == "contract"]
    assert [(one.text, str(one.severity), one.key) for one in found] == [
        (text, "warning", "con") for text in texts
    ]
    assert codes(made, "con") == set()
