"""Changes are grouped by the mappings that the project names, whatever they are called."""

import re

from trueup.model import document
from trueup.render.belonging import NO_SERVICE, Belonging
from trueup.render.view import GroupBy

from tests.support import small_project
from tests.support.documents import with_digest
from tests.support.scene import Scene

NAMES = re.compile(r"(mapping: |linked: |ref: |[ \[])service(?=\n|[.,}])")


def with_services_called(name: str):
    """The small project, whose mapping of services has another name."""
    texts = {file: NAMES.sub(rf"\g<1>{name}", text) for file, text in small_project.FILES.items()}
    return small_project.project(texts)


def test_the_mappings_of_services_may_have_any_name():
    plan = Scene(with_services_called("sku")).plan()
    plan = document.loads(document.dumps(plan))
    belonging = Belonging(plan)

    found = {
        change.mapping: belonging.group_of(change, GroupBy.SERVICE).mapping
        for change in plan.changes
    }

    assert plan.owners.services == ("sku",)
    assert (found["sku"], found["subscription"], found["license_change"]) == ("sku",) * 3
    assert found["customer"] == NO_SERVICE.mapping


def test_a_plan_of_an_earlier_version_has_the_mappings_that_are_shipped():
    text = document.dumps(Scene().plan())
    older = re.sub(r' "digest": .*\n|,\n "owners": \{(.|\n)*?\n \}', "", text)

    assert document.loads(with_digest(older)).owners.services == ("service", "service_bundle")
