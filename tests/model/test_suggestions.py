"""Which known name is suggested for a wrong one."""

import pytest
from trueup.model.suggestions import closest, counterpart, nearest

DATAVERSE = [
    "work365_lcl_isaudit",
    "work365_lcl_name",
    "work365_lcl_effectivedate",
    "work365_lcl_changetype",
    "work365_lcl_subscription",
    "createdon",
    "ownerid",
]
FIELDS = ["companyName", "companyNumber", "companyType", "phone", "isActive", "isTaxExempt"]
COLUMNS = ["start_date", "end_date", "renewal_date", "quantity", "product", "unit_price"]
LABELS = ["Billing Contract", "Billing Currency", "Billing Frequency", "Product", "Quantity"]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("work365_lcl_quantity", DATAVERSE),
        ("companyPhone", FIELDS),
        ("companyphone", FIELDS),
        ("due_date", COLUMNS),
        ("Billing Zone", LABELS),
        ("company", FIELDS),
        ("udf.Region", ["udf.Work 365 Id", "udf.Segment", "udf.Region code of the tenant"]),
    ],
)
def test_words_that_many_names_share_make_no_name_alike(name: str, known: list[str]):
    assert closest(name, known) is None


@pytest.mark.parametrize(
    ("name", "known", "suggested"),
    [
        ("work365_lcl_isaudt", DATAVERSE, "work365_lcl_isaudit"),
        ("work365_effectivedate", DATAVERSE, "work365_lcl_effectivedate"),
        ("lcl_changetype", DATAVERSE, "work365_lcl_changetype"),
        ("work365_lc_changetype", DATAVERSE, "work365_lcl_changetype"),
        ("WORK365_LCL_SUBSCRIPTON", DATAVERSE, "work365_lcl_subscription"),
        ("companyNmae", FIELDS, "companyName"),
        ("companyName ", FIELDS, "companyName"),
        (" COMPANYTYPE", FIELDS, "companyType"),
        ("companynumbr", FIELDS, "companyNumber"),
        ("compnayType", FIELDS, "companyType"),
        ("strat_date", COLUMNS, "start_date"),
        ("startdate", COLUMNS, "start_date"),
        ("unit_pric", COLUMNS, "unit_price"),
        ("Billing Curency", LABELS, "Billing Currency"),
        ("quantty", COLUMNS, "quantity"),
    ],
)
def test_a_name_with_a_slip_in_what_distinguishes_it_is_suggested(
    name: str, known: list[str], suggested: str
):
    assert closest(name, known) == suggested


def test_a_prefix_of_two_names_counts():
    assert closest("start_day", ["start_date", "start_time", "quantity"]) == "start_date"


def test_the_only_name_that_begins_so_is_suggested():
    assert nearest("cre", DATAVERSE) == "createdon"


@pytest.mark.parametrize(
    ("name", "names", "other"),
    [
        ("change_from", ["changes_from", "zone"], "changes_from"),
        ("changes_from ", ["changes_from"], "changes_from"),
        ("Zone", ["zone"], "zone"),
        ("setup_fees", ["setup_fe", "setup_fee"], "setup_fee"),
        ("setup_fe", ["setup_fees", "setup_fee"], None),
        ("service", ["services", "servces"], None),
        ("accont", ["account", "accounts_"], "account"),
        ("acount", ["account", "accout"], None),
        ("setup_fee_2", ["setup_fee"], None),
        ("setup_fee", ["old_setup_fee"], None),
        ("rate2025", ["rate2026"], None),
        ("invoice_note_eur", ["invoice_note_gbp"], None),
        ("services_uk", ["services_us"], None),
        ("changes_form", ["changes_from"], "changes_from"),
        ("zone", ["currency"], None),
    ],
)
def test_a_name_is_that_of_another_but_for_a_typo_only_where_no_third_one_is_nearer(
    name: str, names: list[str], other: str | None
):
    assert counterpart(name, names) == other
