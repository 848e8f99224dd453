"""A plan from rows that were kept and brought up to date is the plan from a full load."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.model.document import dumps
from trueup.sandbox.dataverse.server import DataverseSandbox, Environment
from trueup.source.dataverse.client import DataverseAccess
from trueup.source.dataverse.source import CacheSettings, DataverseSource
from trueup.source.dataverse.sync import LoadSettings
from trueup.source.profile import ColumnProfile, Profile

from tests.support.scene import Scene, account, contract, day, log, product, subscription
from tests.support.small_project import changed, project

CITY = changed("mappings/customer.yaml", "{{ source.city }}", "{{ source.city or source.website }}")
"""The same mapping, with one column more."""


def key(number: int) -> str:
    return f"7f3a0000-0000-4000-8000-{number:012x}"


ACCOUNT, PRODUCTS, CONTRACT, LINES, LOGS = (
    key(1),
    [key(2), key(3)],
    key(4),
    [key(16), key(17)],
    [key(32 + n) for n in range(6)],
)


def a_line(number: int, units: int) -> dict[str, Any]:
    return subscription(
        LINES[number], units, customer=ACCOUNT, contract=CONTRACT, product=PRODUCTS[number]
    )


def a_log(number: int, units: int) -> dict[str, Any]:
    return log(LOGS[number], day(11, 10 + 2 * number), units, subscription=LINES[number % 2])


ROWS = {
    "account": [
        account(ACCOUNT),
        account(key(9), name="Brook Ltd", number="B-1", website="brook.example"),
    ],
    "product": [product(PRODUCTS[0]), product(PRODUCTS[1], name="Backup")],
    "billing_contract": [contract(CONTRACT, customer=ACCOUNT)],
    "subscription": [a_line(0, 12), a_line(1, 3)],
    "license_change": [a_log(0, 12), a_log(1, 3)],
}


@dataclass
class Story:
    """Somebody works in Work 365, and now and then it is planned and applied."""

    scene: Scene
    dataverse: DataverseSandbox
    folder: Path
    digest: str = ""

    @contextmanager
    def source(self, *, kept: bool, page: int = 5000) -> Iterator[None]:
        """The scene's source as one run opens it."""
        url, here = (
            self.dataverse.url,
            {("subscription", "psa_system_id"): ColumnProfile(id_entity_of="ContractServices")},
        )
        access = DataverseAccess(url, "demo.example", "trueup-demo", "demo", url)
        profile = Profile(self.scene.project.catalogue.tables, here, digest=self.digest)
        cache = CacheSettings(self.folder / "rows.sqlite" if kept else None, LoadSettings(page))
        with DataverseSource(
            access, profile, self.scene.project.zone, self.scene.clock, cache
        ) as opened:
            self.scene.source = opened
            yield

    def plan(self, *, kept: bool, page: int = 5000) -> str:
        with self.source(kept=kept, page=page):
            return dumps(self.scene.plan())

    # What happens

    def sells(self, number: int, units: int) -> None:
        self.dataverse.set("license_change", a_log(number, units))
        stored = self.dataverse.store.get("work365_subscription", LINES[number % 2])
        before = int(stored.values()["work365_subscription_quantity"]) if stored else 0
        self.dataverse.set("subscription", a_line(number % 2, max(before + units, 0)))

    def archives(self, number: int, _units: int) -> None:
        if self.dataverse.store.get("work365_licensechangelog", LOGS[number]):
            self.dataverse.set("license_change", {**a_log(number, 1), "status": "Archived"})

    def deletes(self, number: int, units: int) -> None:
        tables = self.scene.project.catalogue.tables
        table, row = [
            ("license_change", LOGS[number]),
            ("subscription", LINES[number % 2]),
            ("account", key(9)),
        ][units % 3]
        self.dataverse.remove(tables[table].logical, row)

    def makes_again(self, number: int, units: int) -> None:
        self.deletes(number, units)
        self.sells(number, units)
        self.dataverse.set("account", ROWS["account"][1])

    def calls_a_unit_another_name(self, number: int, _units: int) -> None:
        stored = self.dataverse.store.after("uom", 0, 1, gone=False)[0]
        self.dataverse.change("uom", stored.key, name=["Monthly", "Annual"][number % 2])

    def numbers_choices_anew(self, number: int, _units: int) -> None:
        attributes = self.dataverse.definitions["work365_licensechangelog"].attributes
        known = attributes["work365_lcl_provisioningstatus"]
        moved = tuple(
            replace(each, value=900 + number * 10 + place)
            for place, each in enumerate(known.choices)
        )
        attributes[known.logical] = replace(known, choices=moved)
        self.dataverse.redefine()

    def forgets_change_tokens(self, _number: int, _units: int) -> None:
        self.dataverse.expire_changes()

    def names_other_columns(self, number: int, _units: int) -> None:
        self.scene.project = project(CITY) if number % 2 else project()

    def has_another_profile(self, number: int, _units: int) -> None:
        self.digest = str(number)

    def plans(self, number: int, _units: int) -> None:
        self.plan(kept=True, page=1 + number)

    def applies(self, _number: int, _units: int) -> None:
        with self.source(kept=True):
            self.scene.apply(self.scene.plan())


HAPPENS = [
    Story.sells,
    Story.archives,
    Story.deletes,
    Story.makes_again,
    Story.calls_a_unit_another_name,
    Story.numbers_choices_anew,
    Story.forgets_change_tokens,
    Story.names_other_columns,
    Story.has_another_profile,
    Story.plans,
    Story.applies,
]
steps = st.lists(
    st.tuples(
        st.sampled_from(HAPPENS), st.integers(0, len(LOGS) - 1), st.integers(-4, 9).filter(bool)
    ),
    max_size=10,
)


@settings(max_examples=settings().max_examples // 4)
@given(done=steps, page=st.integers(1, 4))
def test_a_plan_from_increments_is_the_plan_from_a_full_load_byte_for_byte(
    done: list[Any], page: int
):
    scene = Scene()
    tables = scene.project.catalogue.tables
    with (
        TemporaryDirectory() as folder,
        DataverseSandbox(tables, ROWS, Environment(zone=scene.project.zone)) as dataverse,
    ):
        story = Story(scene, dataverse, Path(folder))
        story.plan(kept=True)
        for happens, number, units in done:
            happens(story, number, units)

        assert story.plan(kept=True, page=page) == story.plan(kept=False)


def test_the_story_is_one_of_increments():
    """No full load hides in it: only the first one loads, and every later one reads changes."""
    scene = Scene()
    with (
        TemporaryDirectory() as folder,
        DataverseSandbox(
            scene.project.catalogue.tables, ROWS, Environment(zone=scene.project.zone)
        ) as dataverse,
    ):
        story = Story(scene, dataverse, Path(folder))
        story.applies(0, 0)
        dataverse.requests.clear()
        story.sells(3, 5)
        with story.source(kept=True):
            made = scene.plan()
            assert scene.source.notices == ()
        assert [change.keys for change in made.changes if change.action == "adjust"] == [(LOGS[3],)]
        assert all(
            "deltatoken" in request.query
            for request in dataverse.requests
            if "/work365_" in request.path
        )
        assert scene.state.pushed["license_change", LOGS[0]].units == Decimal(12)
