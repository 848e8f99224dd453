"""A world of a few rows: one customer, its contracts and services, in both systems.

A scenario says what is billed for what, plans for one day, and expects of the plan: adjustments,
findings, money and ledger. It applies the plan, looks at the unit rows, and plans again.

Everything is real but the two services: the project that ships, exported files, the Autotask
sandbox in this process, a state in SQLite. `beginnings` has what both systems hold at first.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from trueup import pipeline, wiring
from trueup.model import document
from trueup.model.change import Action
from trueup.model.outcome import Outcome
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.verdict import Verdict
from trueup.operations.decide import decide as decide_row
from trueup.operations.decide import link as link_row
from trueup.operations.decide import push
from trueup.operations.decide import succeed as succeed_row
from trueup.operations.plan import plan_in
from trueup.operations.project import load_project
from trueup.pipeline import ApplyOptions, PlanOptions
from trueup.ports.world import World as Ports
from trueup.sandbox.autotask import settings
from trueup.sandbox.autotask.records import select
from trueup.sandbox.autotask.seed import load
from trueup.sandbox.autotask.server import Sandbox

from tests.chaos.victim import Kill, fork
from tests.scenarios.beginnings import (
    AutotaskRecords,
    Beginning,
    Row,
    Service,
    catalogue,
    clock,
    edit,
    license_change,
    work365,
    write_project,
)
from tests.scenarios.expected import pounds
from tests.scenarios.invoices import Billed, all_billed, by_day
from tests.support.fakes import AheadClock
from tests.support.in_process import KEPT

_SERVICES, _UNITS = "ContractServices", "ContractServiceUnits"


class World:
    """A project in a folder with both systems, for one scenario."""

    def __init__(self, folder: Path, *services: Service, **beginning: Any) -> None:
        """`beginning`: see `Beginning`. Without services there is one, as `Service` has it."""
        self.folder, self.services = folder, services or (Service(),)
        begins = Beginning(**beginning)
        self.as_of, self.clock = begins.as_of, AheadClock()
        write_project(folder, begins.edits)
        self.tables = work365(self.services, begins.account)
        self._write_tables()
        autotask = AutotaskRecords(begins)
        for number, service in enumerate(self.services):
            autotask.add(service, number)
        self._ids = autotask.ids
        seed = json.dumps(autotask.document())
        self._seed = folder / "autotask.json"
        self._seed.write_text(seed, encoding="utf-8")
        self.project = self._load()

    # Work 365

    def row(self, table: str, key: str = "") -> Row:
        """A row of Work 365, to be changed inside `work365()`; the only one, or that one."""
        return next(row for row in self.tables[table] if not key or row["id"] == key)

    @contextmanager
    def work365(self) -> Iterator[dict[str, list[Row]]]:
        """Somebody works in Work 365: the tables as they are now, for changing."""
        for table in self.tables:
            self.tables[table] = json.loads(self._table(table).read_text(encoding="utf-8"))
        yield self.tables
        self._write_tables()

    def rows(self, table: str) -> dict[str, Row]:
        """A table as its file has it now, by key."""
        rows = json.loads(self._table(table).read_text(encoding="utf-8"))
        return {row["id"]: row for row in rows}

    def add_change(self, key: str, day: str, units: int, id_: str, **more: Any) -> None:
        """A license change log, with the quantity that follows from it."""
        with self.work365() as tables:
            subscription = self.row("subscription", key)
            subscription["quantity"] += units
            log = license_change(key, subscription["unit"], id_, day, units, more)
            tables["license_change"].append(log)

    def _table(self, name: str) -> Path:
        return self.folder / "work365" / f"{name}.json"

    def _write_tables(self) -> None:
        (self.folder / "work365").mkdir(exist_ok=True)
        columns = catalogue()
        for name, rows in self.tables.items():
            every = dict.fromkeys(columns[name])
            text = json.dumps([{**every, **row} for row in rows], indent=1)
            self._table(name).write_text(text, encoding="utf-8")

    # Autotask

    def id_of(self, key: str) -> int:
        """The id of a contract, a product or a contract service that the seed has."""
        return self._ids[key]

    def all_records(self) -> Mapping[str, list[Row]]:
        """All records that the sandbox has now, by entity; to read them takes a while."""
        return self._records(*self.project.catalogue.entities)

    def records(self, entity: str) -> list[Row]:
        """All records of an entity that the sandbox has now."""
        return self._records(entity)[entity]

    def _records(self, *entities: str) -> Mapping[str, list[Row]]:
        sandbox = self._sandbox()
        with sandbox.store.reading() as db:
            known = sandbox.api.tenants.current(db).entities
            return {
                name: [
                    {field: value for field, value in row.items() if value is not None}
                    for row in select(db, known[name], {})
                ]
                for name in entities
            }

    def unit_rows(self, service: int) -> list[Row]:
        """The unit rows of a contract service."""
        return _unit_rows(self._records(_UNITS), service)

    def units(self, service: int | str, day: str) -> int:
        """Units that are billed on a day; of a contract service by its id or its subscription."""
        return self._units(self._records(_UNITS, _SERVICES), service, day)

    def _units(self, records: Mapping[str, list[Row]], service: int | str, day: str) -> int:
        number = self._service(records, service) if isinstance(service, str) else service
        rows = _unit_rows(records, number)
        return sum(
            int(row["units"]) for row in rows if row["startDate"][:10] <= day <= row["endDate"][:10]
        )

    def _service(self, records: Mapping[str, list[Row]], key: str) -> int:
        """The contract service of a subscription, also of one that a run created."""
        if key in self._ids:
            return self._ids[key]
        [service] = [
            row["id"] for row in records[_SERVICES] if row["internalDescription"] == f"W365 {key}"
        ]
        return int(service)

    def setting(self, name: str, **values: Any) -> None:
        """Changes a setting of the tenant, such as its switches or its clock."""
        with self._sandbox().store.writing() as db:
            settings.put(db, name, {**settings.get(db, name, {}), **values})

    def delete(self, entity: str, record: int) -> None:
        """A record is gone from Autotask, as its support can do."""
        with self._sandbox().store.writing() as db:
            db.execute(f'DELETE FROM "{entity}" WHERE id = ?', [record])  # noqa: S608 -- a test's

    def forget_price(self, product: str) -> None:
        """Autotask has no price of a product, nor of the contract services that bill it."""
        product_id = self.id_of(product)
        prices = ("internalCurrencyAdjustedPrice", "internalCurrencyUnitPrice", "unitPrice")
        nothing = ", ".join(f"{name} = NULL" for name in prices)
        with self._sandbox().store.writing() as db:
            db.execute("UPDATE Services SET unitPrice = NULL WHERE id = ?", [product_id])
            bills = f"UPDATE ContractServices SET {nothing} WHERE serviceID = ?"  # noqa: S608
            db.execute(bills, [product_id])

    def post(self, until: str) -> None:
        """Approve & Post: everything up to a day is billed."""
        posted = {str(row["id"]): until for row in self.records("Contracts")}
        with self._sandbox().store.writing() as db:
            load(db, self.project.catalogue.entities, {"posted_until": posted})

    def _sandbox(self) -> Sandbox:
        database = self.folder / "autotask.sqlite"
        with KEPT.at(database, self.project.catalogue.entities, seed=self._seed) as sandbox:
            return sandbox

    def adjust(self, service: int | str, day: str, units: int) -> None:
        """Somebody adjusts a service, by its id or subscription, in Autotask's own pages."""
        services = self._records(_SERVICES)
        with self._ports() as ports:
            ports.target.create(
                "ContractServiceAdjustments",
                {
                    "contractServiceID": (
                        service if isinstance(service, int) else self._service(services, service)
                    ),
                    "effectiveDate": date.fromisoformat(day),
                    "unitChange": units,
                },
            )

    def close(self) -> None:
        """Closes the sandbox; what needs it opens it again."""
        KEPT.close(self.folder / "autotask.sqlite")

    def copy(self, folder: Path) -> "World":
        """The same world in another folder; both go on by themselves."""
        self.close()
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other = copy(self)
        other.folder, other._seed = folder, folder / self._seed.name
        other.clock, other.tables = copy(self.clock), deepcopy(self.tables)
        other.project = replace(self.project, root=str(folder))
        return other

    # What people decide

    def decide(self, mapping: str, key: str, verdict: str) -> None:
        decide_row(self.project, mapping, key, Verdict(verdict), "as a scenario")
        self.project = self._load()

    def push_on(self, key: str, day: str) -> None:
        push(self.project, "license_change", key, date.fromisoformat(day), "as a scenario")
        self.project = self._load()

    def succeed(self, key: str, predecessor: str) -> None:
        succeed_row(self.project, "subscription", key, predecessor, "as a scenario")
        self.project = self._load()

    def link(self, key: str, record: int) -> None:
        link_row(self.project, "subscription", key, record, "as a scenario")
        self.project = self._load()

    def edit(self, file: str, old: str, new: str) -> None:
        """Somebody edits a file of the project."""
        edit(self.folder / file, old, new)
        self.project = self._load()

    def lose_state(self) -> None:
        """Somebody deletes the state."""
        for file in self.folder.glob("state.sqlite*"):
            file.unlink()

    # Plan and apply

    def _load(self) -> Project:
        return replace(load_project(self.folder), as_of=date.fromisoformat(self.as_of))

    @contextmanager
    def _ports(self) -> Iterator[Ports]:
        with wiring.open_world(self.project, clock=self.clock) as ports:
            yield ports

    def plan(self, as_of: str = "", undo: str | None = None, exclude: str = "") -> Plan:
        """The plan of the scenario's day, or of another one from now on; or the undo of a run.

        `exclude` leaves a mapping out.
        """
        if as_of:
            self.as_of = as_of
            self.project = replace(self.project, as_of=date.fromisoformat(as_of))
            self.setting("clock", **clock(as_of))
        with self._ports() as ports:
            left_out = (exclude,) if exclude else ()
            return plan_in(ports, self.project, PlanOptions(exclude=left_out, undo=undo))

    def run(self, made: Plan, *, over: Iterable[str] = ()) -> Outcome:
        """Applies a plan, whatever becomes of it."""
        options = ApplyOptions(over=frozenset(over))
        with self._ports() as ports:
            return pipeline.apply(self.project, ports, document.dumps(made), options)

    def apply(
        self,
        made: Plan,
        units: Mapping[str, Mapping[str, int]],
        *,
        over: Iterable[str] = (),
        ended: int = 0,
    ) -> Plan:
        """Applies a plan and asserts what is billed then; returns the second plan, which is empty.

        `units`: subscription → day → units. What the plan said of the next invoice and of the run
        rate must be the difference of the unit rows, to the penny; but for what `ended` with its
        contract, in pounds a month.
        """
        before = self.money()
        outcome = self.run(made, over=over)
        assert outcome.complete, [one for one in outcome.changes if one.text]
        after = self.money()
        summary = made.summary
        fees = sum(
            (one.one_off or Decimal(0)) for one in made.changes if one.action is Action.CREATE
        )
        assert pounds(after.invoice - before.invoice + fees) == pounds(summary.invoice.net)
        assert pounds(after.run_rate - before.run_rate - ended) == pounds(summary.run_rate.net)
        records = self._records(_UNITS, _SERVICES)
        billed = {
            key: {day: self._units(records, key, day) for day in days}
            for key, days in units.items()
        }
        assert billed == units
        again = self.plan()
        assert [f"{change.action} {change.name}" for change in again.changes] == []
        return again

    def sync(self) -> Plan:
        """Plans and applies; everything must go through."""
        made = self.plan()
        outcome = self.run(made)
        assert outcome.complete, [one for one in outcome.changes if one.text]
        return made

    def kill(self, made: Plan, adjustment: int, when: str) -> None:
        """Applies in a process that dies `before` or `after` it sends the nth adjustment."""
        file = self.folder / "plan.json"
        file.write_text(document.dumps(made), encoding="utf-8")
        self.close()  # a process that is forked must not share a connection to a database
        arguments = ["apply", str(file), "--yes", "--project", str(self.folder)]
        pid = fork(self.folder, arguments, Kill("adjustment", adjustment, when))
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), f"it ended with {os.waitstatus_to_exitcode(status)}"

    def resume(self) -> Outcome:
        """Goes on with the run that was killed, once its lease is out and all doubts are old."""
        self.clock.sleep(3600)
        with self._ports() as ports:
            return pipeline.resume(self.project, ports)

    def money(self) -> Billed:
        """What Autotask bills on the next invoices, and per month at the contracts' ends."""
        return all_billed(self.all_records(), self.as_of)


def _unit_rows(records: Mapping[str, list[Row]], service: int) -> list[Row]:
    rows = records[_UNITS]
    return by_day(row for row in rows if row["contractServiceID"] == service)
