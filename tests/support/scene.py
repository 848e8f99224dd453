"""Both sides in memory with a state between them, which a test changes, plans and applies."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Self

from trueup.errors import CallsUsedUp, TargetRejected, TargetUnavailable
from trueup.model.change import Action, Change
from trueup.model.document import dumps
from trueup.model.outcome import ChangeOutcome, ChangeStatus, Outcome
from trueup.model.plan import LedgerLine, Plan
from trueup.model.project import Project
from trueup.model.pushed_keys import first_uncorrected_day
from trueup.pipeline import ApplyOptions, PlanOptions, apply, plan, resume
from trueup.ports.source import Row
from trueup.ports.target import Record
from trueup.ports.world import World
from trueup.stages.diff import UNDONE

from tests.support.fakes import ADJUSTMENTS, UNITS, FakeClock, FakeSource, FakeState, FakeTarget
from tests.support.small_project import project as small

COMPANY, CONTRACT, SERVICE, YEARLY, LINE = 101, 501, 601, 602, 701
START, END = date(2026, 1, 1), date(2028, 12, 31)


def day(month: int, number: int, year: int = 2026) -> date:
    return date(year, month, number)


@dataclass
class Fault:
    """What goes wrong with a write.

    `kind` is refused, lost (no effect), unheard (it took effect, no answer), late, down, used up,
    or a refusal that proves nothing: `refused, unproven` (no effect) or `refused after it landed`.
    """

    kind: str
    entity: str = ""
    verb: str = ""
    times: int = 1
    fits: Callable[[Mapping[str, Any]], bool] = lambda _values: True

    def hits(self, verb: str, entity: str, values: Mapping[str, Any]) -> bool:
        if (
            self.times
            and self.entity in ("", entity)
            and self.verb in ("", verb)
            and self.fits(values)
        ):
            self.times -= 1
            return True
        return False


NO_ANSWER = TargetUnavailable("no answer", may_have_landed=True)
UNPROVEN = TargetRejected(
    "refused",
    errors=["Object reference not set to an instance of an object."],
    may_have_landed=True,
)
BEFORE = {  # errors of writes that have no effect, or a later one
    "refused": TargetRejected("refused", errors=["This is not how it is done"]),
    "used up": CallsUsedUp("all calls are used"),
    "down": TargetUnavailable("no connection"),
    "lost": NO_ANSWER,
    "late": NO_ANSWER,
    "refused, unproven": UNPROVEN,
}
AFTER = {"unheard": NO_ANSWER, "refused after it landed": UNPROVEN}  # of writes that took effect


class Tenant(FakeTarget):
    """The fake with rules of Autotask: a service once a contract, one adjustment a day, faults."""

    def __init__(self, records: Mapping[str, Iterable[Record]]) -> None:
        super().__init__(small().catalogue.entities, records)
        self.faults: list[Fault] = []
        self.hidden: set[tuple[str, int]] = set()
        self.adjusted: set[tuple[int, date]] = set()
        self.on_write: Callable[[str, str, Mapping[str, Any]], None] = lambda *_: None
        self.late: list[Callable[[], Any]] = []
        self.effects: list[
            tuple[int, date, int]
        ] = []  # adjustments by us: contract service, day, units
        self.hand: list[tuple[int, date, int]] = []  # and by people

    def read(self, entity: str, where: Any, fields: Any) -> list[Record]:
        return [
            one
            for one in super().read(entity, where, fields)
            if (entity, one["id"]) not in self.hidden
        ]

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        return self._faulty("create", entity, values, lambda: self._create(entity, dict(values)))

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        self._faulty("update", entity, values, lambda: self._update(entity, record, values))

    def _faulty(
        self, verb: str, entity: str, values: Mapping[str, Any], write: Callable[[], Any]
    ) -> Any:
        self.guard()
        self.on_write(verb, entity, values)
        fault = next((one for one in self.faults if one.hits(verb, entity, values)), None)
        kind = fault.kind if fault else ""
        if kind == "late":
            self.late.append(write)
        if kind in BEFORE:
            raise BEFORE[kind]
        answer = write()
        if kind in AFTER:
            raise AFTER[kind]
        return answer

    def _create(self, entity: str, values: dict[str, Any]) -> int | None:
        if entity == "ContractServices":
            self._one_of_a_kind(values)
        if entity == ADJUSTMENTS and values.get("contractServiceID") is None:
            values["contractServiceID"] = self._repeated(values)
        if entity == ADJUSTMENTS:
            self._may_adjust(values)
        answer = self.insert(entity, values)
        if entity == ADJUSTMENTS:
            self.effects.append(
                (values["contractServiceID"], values["effectiveDate"], values["unitChange"])
            )
        return answer

    def land(self) -> None:
        """What was under way takes effect."""
        late, self.late = self.late, []
        for write in late:
            with suppress(TargetRejected):
                write()

    def _update(self, entity: str, record: int, values: Mapping[str, Any]) -> None:
        self.patch(entity, record, values)
        if entity == "Contracts" and values.get("endDate"):
            for row in self._rows(lambda one: one["contractID"] == record):
                if row["endDate"] == max(
                    one["endDate"] for one in self._rows_of(row["contractServiceID"])
                ):
                    row["endDate"] = values["endDate"]

    def _one_of_a_kind(self, values: dict[str, Any]) -> None:
        wanted = values["contractID"], values["serviceID"]
        if wanted in {
            (one["contractID"], one["serviceID"])
            for one in self.records["ContractServices"].values()
        }:
            raise TargetRejected("refused", errors=["the contract has this service already"])
        values["internalCurrencyUnitPrice"] = self.records["Services"][values["serviceID"]].get(
            "unitPrice"
        )

    def _repeated(self, values: Mapping[str, Any]) -> int:
        if not values.get("allowRepeatService"):
            raise TargetRejected("refused", errors=["allowRepeatService is not set"])
        id_ = next(self.ids)
        price = self.records["Services"][values["serviceID"]].get("unitPrice")
        self.records["ContractServices"][id_] = {
            "id": id_,
            "contractID": values["contractID"],
            "serviceID": values["serviceID"],
            "internalCurrencyUnitPrice": price,
        }
        return id_

    def _may_adjust(self, values: Mapping[str, Any]) -> None:
        service, on = values["contractServiceID"], values["effectiveDate"]
        if (service, on) in self.adjusted:
            raise TargetRejected(
                "refused", errors=["Attempt to insert duplicate data into contract_service_period"]
            )
        if any(
            row["approveAndPostDate"] and row["endDate"] >= on for row in self._rows_of(service)
        ):
            raise TargetRejected("refused", errors=["an already posted contract period"])
        self.adjusted.add((service, on))

    def _rows(self, fits: Callable[[Record], bool]) -> list[Record]:
        return [row for row in self.records[UNITS].values() if fits(row)]

    def _rows_of(self, service: int) -> list[Record]:
        return self._rows(lambda row: row["contractServiceID"] == service)

    def by_hand(self, service: int, on: date, units: int) -> None:
        """Somebody adjusts in Autotask's own pages."""
        self._create(
            ADJUSTMENTS, {"contractServiceID": service, "effectiveDate": on, "unitChange": units}
        )
        self.sent.pop()
        self.hand.append(self.effects.pop())

    def post(self, service: int, until: date) -> None:
        """Approve and post: units up to that day stand for good."""
        for row in self._rows_of(service):
            if row["startDate"] <= until < row["endDate"]:
                later = self._row(row, until + timedelta(days=1), row["endDate"], row["units"])
                later["contractServiceID"] = service
                row["endDate"] = until
            if row["endDate"] <= until:
                row["approveAndPostDate"] = until

    def _row(self, service: Record, start: date, end: date, units: int) -> Record:
        id_ = service.get("contractServiceID", service["id"])
        return super()._row({"id": id_, "contractID": service["contractID"]}, start, end, units)

    def only(self, entity: str) -> Record:
        """The one record of the entity."""
        (record,) = self.records[entity].values()
        return record

    def adjustments(self) -> list[tuple[int, date, int]]:
        """What was sent to be adjusted."""
        return [
            (values.get("contractServiceID", 0), values["effectiveDate"], values["unitChange"])
            for _, entity, values in self.sent
            if entity == ADJUSTMENTS
        ]


REFERENCE: dict[str, list[Row]] = {
    "Resources": [{"id": 4, "email": "ada@tenant.example", "isActive": True}],
    "BillingCodes": [{"id": 11, "name": "Cloud", "isActive": True}],
}


def autotask() -> dict[str, list[Row]]:
    """Autotask as people keep it by hand: all records are there, none carries our keys."""
    return {
        **REFERENCE,
        "Companies": [
            {
                "id": COMPANY,
                "companyName": "Alpine Dental",
                "companyNumber": "A-1",
                "companyType": 1,
                "phone": "1",
                "ownerResourceID": 4,
                "isActive": True,
            }
        ],
        "Services": [
            {
                "id": SERVICE,
                "name": "Mail",
                "externalID": "pro",
                "periodType": 2,
                "unitPrice": Decimal(10),
            },
            {
                "id": YEARLY,
                "name": "Backup",
                "externalID": "yea",
                "periodType": 5,
                "unitPrice": Decimal(120),
            },
        ],
        "Contracts": [
            {
                "id": CONTRACT,
                "companyID": COMPANY,
                "contractNumber": "BC-1",
                "contractName": "Alpine CSP",
                "contractType": 7,
                "contractPeriodType": 2,
                "status": 1,
                "startDate": START,
                "endDate": END,
            }
        ],
        "ContractServices": [
            {
                "id": LINE,
                "contractID": CONTRACT,
                "serviceID": SERVICE,
                "internalCurrencyAdjustedPrice": Decimal("9.50"),
                "internalCurrencyUnitPrice": Decimal(10),
            }
        ],
    }


def account(id_: str = "acc", **more: Any) -> Row:
    return {
        "id": id_,
        "name": "Alpine Dental",
        "number": "A-1",
        "phone": "1",
        "state": "Active",
        **more,
    }


def product(id_: str = "pro", **more: Any) -> Row:
    return {
        "id": id_,
        "name": "Mail",
        "unit": "Monthly",
        "price": Decimal(10),
        "state": "Active",
        **more,
    }


def contract(id_: str = "con", **more: Any) -> Row:
    return {
        "id": id_,
        "name": "Alpine CSP",
        "number": "BC-1",
        "customer": "acc",
        "billing_frequency": "Monthly",
        "start_date": START,
        "end_date": END,
        "state": "Active",
        **more,
    }


def subscription(id_: str = "sub", quantity: int | str = 12, **more: Any) -> Row:
    return {
        "id": id_,
        "name": "Mail",
        "customer": "acc",
        "contract": "con",
        "product": "pro",
        "quantity": Decimal(quantity),
        "billable": True,
        "state": "Active",
        **more,
    }


def log(id_: str, on: date, quantity: int | str, **more: Any) -> Row:
    return {
        "id": id_,
        "name": "Mail",
        "subscription": "sub",
        "quantity": Decimal(quantity),
        "effective_date": on,
        "provisioning_status": "Provisioned",
        "status": "Active",
        "created_on": None,
        **more,
    }


def work365() -> dict[str, list[Row]]:
    """One customer, one contract, twelve seats: ten from October on, two more from next week on."""
    return {
        "account": [account()],
        "product": [product(), product("yea", name="Backup", unit="Annual", price=Decimal(120))],
        "billing_contract": [contract()],
        "subscription": [subscription()],
        "license_change": [log("first", day(10, 5), 10), log("second", day(11, 20), 2)],
    }


@dataclass
class Scene:
    """Everything at once. `plan` writes nothing; `apply`, `resume` and `sync` do."""

    project: Project = field(default_factory=small)
    tables: dict[str, list[Row]] = field(default_factory=work365)
    records: dict[str, list[Row]] = field(default_factory=lambda: {**REFERENCE})

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.source = FakeSource(self.tables, self.project.catalogue.tables)
        self.target = Tenant(self.records)
        self.state: FakeState = FakeState(self.clock)

    @property
    def world(self) -> World:
        return World(self.source, self.target, self.state, self.clock)

    def copy(self) -> Self:
        """The same beginning once more; both go on by themselves."""
        catalogue = self.source._catalogue
        shared = (self.project, catalogue, *self.target.entities.values(), self.target._lock)
        return deepcopy(self, {id(one): one for one in shared})

    def row(self, table: str, id_: str = "") -> Row:
        """A row of Work 365; the only one, or the one of that id."""
        rows = self.source.tables[table]
        return rows[id_] if id_ else next(iter(rows.values()))

    def add(self, table: str, *rows: Row) -> None:
        self.source.tables[table].update({row["id"]: row for row in rows})

    def units(self, on: date, service: int = 0) -> int:
        """Units billed on a day; of the only contract service, or of that one."""
        return self.target.units(service or self.target.only("ContractServices")["id"], on)

    def files(self, *changes: dict[str, str]) -> None:
        """The configuration, changed."""
        self.project = small(*changes)

    def lose_state(self) -> None:
        self.state = FakeState(self.clock)

    def plan(self, **options: Any) -> Plan:
        return plan(self.project, self.world, PlanOptions(**options))

    def apply(self, made: Plan, **options: Any) -> Outcome:
        return apply(self.project, self.world, dumps(made), ApplyOptions(**options))

    def resume(self, **options: Any) -> Outcome:
        return resume(self.project, self.world, ApplyOptions(**options))

    def sync(self) -> Plan:
        """Plans and applies; everything must go through."""
        made = self.plan()
        outcome = self.apply(made)
        assert outcome.complete, [one for one in outcome.changes if one.text]
        return made

    def correct(self, key: str = "sub", **options: Any) -> str:
        """The decision to correct the present difference of a row, as `trueup decide` writes it."""
        line = line_of(self.plan(**options), key)
        assert line.units is not None
        on = first_uncorrected_day(self.state.pushed, "license_change", key, line.day)
        return (
            f"{{mapping: {line.mapping}, key: '{key}', do: correct, reason: counted, seen: "
            f"{{units: {line.units + line.pending}, quantity: {line.quantity}, day: {on}}}}}"
        )

    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def picture(self) -> dict[str, Any]:
        """What must be the same whatever happened: both sides and the state, ids aside."""
        names = self._names()
        return {
            "source": {
                name: {key: _named(row, names) for key, row in rows.items()}
                for name, rows in self.source.tables.items()
            },
            "target": {
                entity: sorted(str(_named(record, names)) for record in records.values())
                for entity, records in self.target.records.items()
                if entity != UNITS
            },
            "units": self._steps(names),
            "links": sorted(
                (*key, str(names.get(link.record, link.record)))
                for key, link in self.state.links.items()
            ),
            "applied": {
                key: {name: _applied(name, value, names) for name, value in was.items()}
                for key, was in self.state.applied.items()
            },
            "pushed": {
                key: (str(names.get(one.record)), one.day, one.units, one.marked, one.undone)
                for key, one in self.state.pushed.items()
            },
        }

    def _names(self) -> dict[int, str]:
        """Records by what they are: their ids depend on who came first."""
        names: dict[int, str] = {}
        for entity, title in (
            ("Companies", "companyName"),
            ("Services", "name"),
            ("Contracts", "contractName"),
        ):
            names |= {
                id_: str(record.get(title)) for id_, record in self.target.records[entity].items()
            }
        for id_, record in self.target.records["ContractServices"].items():
            names[id_] = f"{names[record['contractID']]}: {names[record['serviceID']]}"
        return names

    def _steps(self, names: Mapping[int, str]) -> list[tuple[str, str]]:
        steps = []
        for service in self.target.records["ContractServices"]:
            days = [START + timedelta(days=number) for number in range(1096)]
            units = [self.target.units(service, one) for one in days]
            moved = [
                (days[n], units[n]) for n in range(len(days)) if n == 0 or units[n] != units[n - 1]
            ]
            steps.append((str(names[service]), str(moved)))
        return sorted(steps)


_IDS = frozenset(
    {
        "companyID",
        "contractID",
        "serviceID",
        "parentCompanyID",
        "contractServiceID",
        "psa_system_id",
    }
)


def _applied(name: str, value: Any, names: Mapping[int, str]) -> Any:
    """A value last applied, ids of records and of runs aside."""
    if name.startswith(UNDONE):
        return "of a run"
    return names.get(value, value) if name in _IDS else value


def _named(values: Mapping[str, Any], names: Mapping[int, str]) -> dict[str, Any]:
    """A row or record with names in the place of ids."""
    shown = {}
    for name, value in sorted(values.items()):
        if name in _IDS and value is not None:
            shown[name] = names.get(int(value), "?")
        elif name != "id" and value is not None:
            shown[name] = value
    return shown


def kept(**more: Any) -> Scene:
    """Autotask has the customer and its services already, under the same names; no units."""
    return Scene(records=autotask(), **more)


def settled(**more: Any) -> Scene:
    """Everything applied once; the next plan is empty."""
    scene = Scene(**more)
    scene.sync()
    return scene


def actions(made: Plan) -> list[tuple[str, str]]:
    """What a plan does: action and mapping, in its order."""
    return [(str(change.action), change.mapping) for change in made.changes]


def adjusts(made: Plan) -> list[tuple[tuple[str, ...], Any, Any]]:
    """Its adjustments: logs, day, units."""
    return [
        (change.keys, change.values["effectiveDate"], change.values["unitChange"])
        for change in made.changes
        if change.action is Action.ADJUST
    ]


def codes(made: Plan, key: str = "") -> set[tuple[str, str]]:
    """What a plan says of rows that it leaves alone: key and code."""
    found = {
        (blocked.key, finding.code) for blocked in made.blocked for finding in blocked.findings
    }
    return {one for one in found if not key or one[0] == key}


def change_of(made: Plan, id_: str) -> Change:
    return next(change for change in made.changes if change.id == id_)


def line_of(made: Plan, key: str = "sub") -> LedgerLine:
    return next(line for line in made.ledger if line.key == key)


def correct(made: Plan, key: str = "sub") -> str:
    """The decision to correct the difference that a plan shows, as `trueup decide` writes it."""
    line = line_of(made, key)
    assert line.units is not None
    return (
        f"{{mapping: {line.mapping}, key: '{key}', do: correct, reason: counted, seen: "
        f"{{units: {line.units + line.pending}, quantity: {line.quantity}, day: {line.day}}}}}"
    )


def outcome_of(outcome: Outcome, change: str) -> ChangeOutcome:
    return next(one for one in outcome.changes if one.change == change)


def statuses(outcome: Outcome) -> dict[str, ChangeStatus]:
    return {one.change: one.status for one in outcome.changes}


__all__ = [name for name in globals() if not name.startswith("__")]
