"""A missing name is neither written to Autotask nor shown as `None`."""

from tests.rules.small_tenant import Small


def test_a_contact_of_an_account_without_a_name_has_its_own_name_as_label():
    small = Small()
    small.row("account")["name"] = None
    assert "Reto Ammann" in {change.name for change in small.plan().changes} | {
        blocked.name for blocked in small.plan().blocked
    }


def test_a_product_without_a_name_does_not_become_a_service():
    small = Small()
    small.new()
    small.forget("Services")
    small.row("product", "pro")["name"] = None
    made = small.plan()
    assert ("service", "required-empty") in {
        (blocked.mapping, blocked.findings[0].code) for blocked in made.blocked
    }
    assert "None" not in str([change.values for change in made.changes])
