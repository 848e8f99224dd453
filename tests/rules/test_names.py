"""What lacks a name is neither written nor told as `None`."""

from tests.rules.small import Small


def test_a_contact_of_an_account_without_a_name_is_called_by_its_own():
    small = Small()
    small.one("account")["name"] = None
    assert "Reto Ammann" in {change.name for change in small.plan().changes} | {
        one.name for one in small.plan().blocked
    }


def test_a_product_without_a_name_becomes_no_service_of_that_name():
    small = Small()
    small.new()
    small.forget("Services")
    small.one("product", "pro")["name"] = None
    made = small.plan()
    assert ("service", "required-empty") in {(one.mapping, one.findings[0].code) for one in made.blocked}
    assert "None" not in str([change.values for change in made.changes])
