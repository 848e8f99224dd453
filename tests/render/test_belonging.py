"""Changes are grouped by the mappings that the project names, whatever they are called."""

import re

from trueup.model import document
from trueup.model.plan import OwnerMappings
from trueup.render.belonging import NO_SERVICE, Belonging
from trueup.render.view import GroupBy

from tests.support import small_project
from tests.support.documents import with_digest
from tests.support.scene import Scene

PLACES = r"((?:mapping|for|linked|ref): |[ \[](?={0}\.)){0}(?=\n|[.,}}])"


def renamed(**names: str):
    """The changes of the small project that give mappings other names."""
    texts = dict(small_project.FILES)
    for old, new in names.items():
        texts = {
            file: re.sub(PLACES.format(old), rf"\g<1>{new}", text) for file, text in texts.items()
        }
    return texts


def groups(plan, by: GroupBy) -> dict[str, str]:
    """The mapping of the row under which the changes of each mapping stand."""
    belonging = Belonging(document.loads(document.dumps(plan)))
    return {change.mapping: belonging.group_of(change, by).mapping for change in plan.changes}


def test_the_mappings_of_services_and_customers_may_have_any_name():
    scene = Scene(small_project.project(renamed(service="sku", customer="client")))
    plan = scene.plan()

    assert plan.owners == OwnerMappings("client", ("sku",), ("contract",))
    found = groups(plan, GroupBy.SERVICE)
    assert (found["sku"], found["subscription"], found["license_change"]) == ("sku",) * 3
    assert found["client"] == NO_SERVICE.mapping
    assert groups(plan, GroupBy.CUSTOMER)["license_change"] == "client"


def test_services_are_found_where_a_ledger_has_no_price():
    texts = renamed(service="sku")
    file = "mappings/subscription.yaml"
    texts[file] = re.sub(r"  price:\n(    .*\n)+", "", texts[file])

    plan = Scene(small_project.project(texts)).plan()

    assert plan.ledger[0].price is None
    assert groups(plan, GroupBy.SERVICE)["license_change"] == "sku"


def test_a_plan_of_an_earlier_version_has_the_mappings_that_wrote_customers_and_services():
    texts = renamed(service="sku", customer="client")
    text = document.dumps(Scene(small_project.project(texts)).plan())
    older = re.sub(r' "digest": .*\n|,\n "owners": \{(.|\n)*?\n \}', "", text)

    owners = document.loads(with_digest(older)).owners

    assert owners == OwnerMappings("client", ("sku",), ("contract",))
