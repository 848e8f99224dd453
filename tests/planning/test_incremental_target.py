"""A plan from records that were kept, and what changed since, is the plan from a full read."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.model.document import dumps, plan_id
from trueup.model.outcome import ChangeStatus
from trueup.model.plan import Plan
from trueup.ports.target import Condition
from trueup.sandbox.autotask.local import URL, LocalSandbox
from trueup.target.autotask.changed_reads import Changes
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.gateway import HttpTarget
from trueup.target.autotask.kept_records import KeptRecords
from trueup.target.autotask.transport import InProcess

from tests.support.real_adapters import BY_HAND, UDFS
from tests.support.scene import Scene, account, contract, day, log, subscription
from tests.support.seeded_databases import ENTITIES, database

PAGES = (2, 500)
"""Records up to which all of an entity is read in one call: nearly none, and nearly all."""

NUMBERS = range(5)
SEED = {
    "records": {
        **BY_HAND,
        "Companies": [
            *BY_HAND["Companies"],
            *(
                {
                    **BY_HAND["Companies"][1],
                    "id": 110 + number,
                    "companyName": f"Company {number}",
                    "companyNumber": f"N-{number}",
                    "lastTrackedModifiedDateTime": f"2020-02-0{number + 1}T08:00:00Z",
                }
                for number in NUMBERS
            ),
        ],
        "Services": [
            *BY_HAND["Services"],
            *(
                {
                    **BY_HAND["Services"][0],
                    "id": 610 + number,
                    "name": f"Service {number}",
                    "externalID": f"s{number}",
                    "lastModifiedDate": f"2020-02-0{number + 1}T08:00:00Z",
                }
                for number in NUMBERS
            ),
        ],
        "Contracts": [
            *BY_HAND["Contracts"],
            *(
                {
                    **BY_HAND["Contracts"][0],
                    "id": 510 + number,
                    "companyID": 110 + number,
                    "contractNumber": f"BC-N{number}",
                    "contractName": f"Contract {number}",
                    "lastModifiedDateTime": f"2020-02-0{number + 1}T08:00:00Z",
                }
                for number in NUMBERS
            ),
        ],
    },
    "user_defined_fields": UDFS,
}


@dataclass
class Story:
    """Somebody works in both systems, and now and then it is planned and applied."""

    scene: Scene
    sandbox: LocalSandbox
    file: Path
    hidden: set[int] = field(default_factory=set)
    requests: list[tuple[str, Any]] = field(default_factory=list)

    @contextmanager
    def target(self, page: int = 0) -> Iterator[HttpTarget]:
        """The tenant; with a page, what is kept of it is used. It is the scene's meanwhile."""
        credentials = Credentials("api@demo.example", "demo", "DEMO")
        client = AutotaskClient(URL, credentials, self.scene.clock, network=InProcess(self._answer))
        kept = KeptRecords(self.file, self.scene.clock, used=True)
        changes = Changes(kept, timedelta(days=300), page) if page else None
        self.requests.clear()
        target = HttpTarget(client, ENTITIES, "sandbox", "a tenant", changes=changes)
        with closing(target):
            self.scene.target = target  # a target like any other
            yield target

    def _answer(self, method: str, address: str, headers: Any, body: bytes) -> Any:
        if method == "POST":
            self.requests.append((address.partition("V1.0/")[2], json.loads(body)))
        return self.sandbox.answer(method, address, headers, body)

    def plan(self, page: int = 0) -> Plan:
        with self.target(page):
            return self.scene.plan()

    def requires_equal_plans(self, page: int) -> None:
        """The plan from what is kept is that from a full read: digest, and bytes but one line."""
        kept, full = self.plan(page), self.plan()
        assert dumps(replace(kept, partial_reads=())) == dumps(full)
        assert plan_id(dumps(kept)) == plan_id(dumps(full))

    def passes(self, hours: float) -> None:
        self.scene.clock.instant += timedelta(hours=hours)
        self.sandbox.load({"clock": {"stands": self.scene.clock.instant.isoformat()}})

    def edits(self, entity: str, record: int, **values: object) -> None:
        with self.target() as target:
            if target.read(entity, [_is(record)], ["id"]):  # else it is hidden
                target.update(entity, record, values)

    # What happens

    def renames_a_company(self, number: int, units: int) -> None:
        name = ["companyName", "companyNumber", "phone", "city"][units % 4]
        self.edits("Companies", 110 + number, **{name: f"N-{units}"})

    def moves_a_contract(self, number: int, units: int) -> None:
        name = ["contractName", "contractNumber"][units % 2]
        self.edits("Contracts", 510 + number, **{name: f"BC-{units}"})

    def reprices_a_service(self, number: int, units: int) -> None:
        self.edits("Services", 610 + number, unitPrice=abs(units), name=f"Mail {units}")

    def enters_a_company(self, number: int, units: int) -> None:
        with self.target() as target:
            more = {"companyType": 1, "phone": "1", "ownerResourceID": 4}
            values = {"companyName": f"Company {units}", "companyNumber": f"N-{number}", **more}
            target.create("Companies", values)

    def hides_a_company(self, number: int, _units: int) -> None:
        self.hidden.add(110 + number)
        user = {"username": "api@demo.example", "secret": "demo", "integration_code": "DEMO"}
        level = {
            "entities": {"*": ["query", "create", "update"]},
            "hidden": {"Companies": [*self.hidden]},
        }
        self.sandbox.load({"levels": {"less": level}, "users": [{**user, "level": "less"}]})

    def sells(self, number: int, units: int) -> None:
        self.scene.add("license_change", log(f"log{number}", day(11, 10 + number), units))

    def wins_a_customer(self, number: int, units: int) -> None:
        scene, id_ = self.scene, f"acc{number}"
        scene.add("account", account(id_, name=f"Company {units}", number=f"N-{number}"))
        more = {"customer": id_, "name": f"Contract {number}", "number": f"BC-N{number}"}
        scene.add("billing_contract", contract(f"con{number}", **more))
        line = {"customer": id_, "contract": f"con{number}", "product": "pro"}
        scene.add("subscription", subscription(f"sub{number}", abs(units), **line))

    def plans(self, number: int, _units: int) -> None:
        self.requires_equal_plans(PAGES[number % 2])

    def applies(self, _number: int, _units: int) -> None:
        with self.target():
            self.scene.apply(self.scene.plan())


HAPPENS: list[Callable[[Story, int, int], None]] = [
    Story.renames_a_company,
    Story.moves_a_contract,
    Story.reprices_a_service,
    Story.enters_a_company,
    Story.hides_a_company,
    Story.sells,
    Story.wins_a_customer,
    Story.plans,
    Story.applies,
]
steps = st.lists(
    st.tuples(
        st.sampled_from(HAPPENS),
        st.sampled_from(NUMBERS),
        st.integers(-4, 9).filter(bool),
        st.sampled_from([0.0, 1.0, 3.0, 30.0]),
    ),
    max_size=8,
)


def _is(record: int) -> Condition:
    return Condition("id", "in", [record])


@contextmanager
def story(seed: Mapping[str, Any] = SEED) -> Iterator[Story]:
    with TemporaryDirectory(prefix="trueup-") as folder:
        file = Path(folder) / "autotask.sqlite"
        file.write_bytes(database(json.dumps(seed)))
        with LocalSandbox(file, ENTITIES) as sandbox:
            opened = Story(Scene(), sandbox, Path(folder) / "state.known.json")
            opened.passes(0)
            yield opened


@settings(max_examples=settings().max_examples // 4)
@given(done=steps, page=st.sampled_from(PAGES))
def test_a_plan_from_what_changed_is_the_plan_from_a_full_read_byte_for_byte(done: Any, page: int):
    with story() as scenario:
        scenario.plan(page)
        for happens, number, units, hours in done:
            scenario.passes(hours)
            happens(scenario, number, units)

        scenario.requires_equal_plans(page)


def requested(scenario: Story, entity: str) -> list[str]:
    """The requests for an entity, as what is asked for."""
    found = [(path, body) for path, body in scenario.requests if path.startswith(f"{entity}/")]
    return [
        "count" if path.endswith("count") else "changed" if "gte" in str(body) else "all"
        for path, body in found
    ]


def test_the_story_is_one_of_increments():
    """No full read hides in it."""
    with story() as scenario:
        scenario.plan(2)
        scenario.passes(5)
        scenario.edits("Companies", 110, companyName="Alpine Dental")
        scenario.edits("Services", 610, externalID="yea")

        made = scenario.plan(2)

        ways = {
            entity: requested(scenario, entity) for entity in ("Companies", "Services", "Resources")
        }
        assert ways == {
            "Companies": ["changed", "count"],
            "Services": ["changed", "count"],
            "Resources": ["all"],
        }
        changed = {read.entity: read.changed for read in made.partial_reads}
        assert changed == {"Companies": 1, "Services": 1}
        scenario.requires_equal_plans(2)


def test_the_document_states_what_was_not_read_in_full():
    with story() as scenario:
        assert '"partial_reads"' not in dumps(scenario.plan(2))
        scenario.passes(1)

        document = dumps(scenario.plan(2))

        third = json.loads(f"{{{document.splitlines()[3].rstrip(',')}}}")
        assert [read["entity"] for read in third["partial_reads"]] == ["Companies", "Services"]


@pytest.mark.parametrize("page", PAGES)
def test_an_edit_that_moved_no_time_is_found_before_anything_is_written(page: int):
    """A plan may miss it, where few records are read; apply reads the record again."""
    with story() as scenario:
        scenario.sandbox.load({"switches": {"modification_times": "create_only"}})
        with scenario.target():
            scenario.scene.sync()
        scenario.plan(page)
        scenario.passes(5)
        scenario.scene.row("account")["name"] = "Alpine Dental AG"
        scenario.edits("Companies", 101, companyName="Edited by hand")

        made = scenario.plan(page)

        [field_] = [
            one for change in made.changes if change.mapping == "customer" for one in change.fields
        ]
        missed = page == PAGES[0]
        assert field_.before == ("Alpine Dental" if missed else "Edited by hand")
        with scenario.target() as target:
            outcome = scenario.scene.apply(made)
            [after] = target.read("Companies", [_is(101)], ["companyName"])
        status = next(one.status for one in outcome.changes if one.mapping == "customer")
        assert (status is ChangeStatus.APPLIED) is not missed
        assert after["companyName"] == ("Edited by hand" if missed else "Alpine Dental AG")
