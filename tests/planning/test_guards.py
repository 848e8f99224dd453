"""Limits on what a plan would do: over one of them it is applied only with `--over`."""

from decimal import Decimal

import pytest
from trueup.model.plan import GoneRows

from tests.support.scene import Scene, account, contract, kept, product, settled, subscription
from tests.support.small_project import FILES, decisions, settings

STRICT = settings()["trueup.yaml"]


def partner(where: str) -> dict[str, str]:
    """A second mapping of the table of customers, with companies of another kind."""
    text = FILES["mappings/customer.yaml"]
    for old, new in (
        ("mapping: customer", "mapping: partner"),
        ("{{ source.state == 'Active' }}", where),
        ("udf.Work 365 Id: ", "udf.Partner Id: "),
        ('companyNumber: "{{ source.number }}"', 'companyNumber: "P-{{ source.number }}"'),
        ("ref: customer", "ref: partner"),
    ):
        assert old in text
        text = text.replace(old, new)
    return {"mappings/partner.yaml": text}


def limited(scene: Scene, old: str, new: str, *files: dict[str, str]) -> list[str]:
    """What the plan is over, with one limit changed."""
    assert old in STRICT
    scene.files({"trueup.yaml": STRICT.replace(old, new)}, *files)
    return [one.text for one in scene.plan().exceeded]


def test_calls_are_those_of_applying_whatever_planning_cost():
    figures = Scene().plan().summary
    assert figures.read_calls > 0
    assert limited(Scene(), "calls: 1000", f"calls: {figures.apply_calls}") == []
    assert limited(Scene(), "calls: 1000", f"calls: {figures.apply_calls - 1}") == [
        (
            f"applying costs {figures.apply_calls} API calls, "
            f"over the limit of {figures.apply_calls - 1}"
        )
    ]


def test_on_day_one_the_records_that_are_being_linked_count_as_linked():
    scene = kept()
    for n in range(20):
        scene.add(
            "account",
            account(f"a{n}", name=f"Customer {n}", number=f"C-{n}", phone="2" if n < 6 else "1"),
        )
        scene.target.records["Companies"][900 + n] = {
            "id": 900 + n,
            "companyName": f"Customer {n}",
            "companyNumber": f"C-{n}",
            "companyType": 1,
            "phone": "1",
        }
    assert limited(scene, '{"*": 1}', '{"*": 0.3}') == []
    assert limited(scene, '{"*": 1}', '{"*": 0.2}') == [
        (
            "29% of the linked Companies would change (6 of 21, 21 of them by this plan), "
            "over the limit of 20%"
        )
    ]


def test_what_is_billed_more_hides_nothing_that_is_billed_less():
    scene = settled()
    scene.add("billing_contract", contract("more", number="BC-2", name="More"))
    scene.add("product", product("big", name="Big"))
    scene.add("subscription", subscription("up", 0, name="Big", contract="more", product="big"))
    scene.sync()
    scene.row("subscription", "up")["quantity"] = Decimal(12)
    scene.row("subscription", "sub")["quantity"] = Decimal(0)
    corrected = decisions(scene.correct("up"), scene.correct("sub"))
    assert limited(scene, "monthly_effect: 100000", "monthly_effect: 100", corrected) == [
        (
            "+120.00 a month is billed more and -120.00 a month is billed less, "
            "over the limit of 100.00"
        )
    ]
    assert scene.plan().summary.monthly == 0


@pytest.mark.parametrize(
    ("where", "counted"),
    [
        ("{{ source.state == 'Active' }}", GoneRows("account", 2, 12)),  # was 4 of 24
        ("{{ source.city == 'Bath' }}", GoneRows("account", 2, 12)),  # was 2 of 22: below the limit
    ],
)
def test_a_row_that_is_gone_counts_once_however_many_mappings_its_table_has(where, counted):
    scene = Scene()
    scene.files(partner(where))
    scene.row("account")["city"] = "Bath"
    for number in range(11):
        row = account(f"a{number}", name=f"Customer {number}", number=f"B-{number}")
        scene.add("account", {**row, "city": "Bath" if number < 9 else "York"})
    scene.sync()
    del scene.source.tables["account"]["a9"], scene.source.tables["account"]["a10"]

    made = scene.plan()

    assert made.summary.rows_gone == (counted,)
    assert [one.limit for one in made.exceeded] == ["rows_gone:account"]
