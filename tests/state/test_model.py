"""Random calls by two processes, compared with a model in snapshot."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace
from trueup.errors import StateError, StateLocked
from trueup.model.audit import LinkForgotten
from trueup.model.run import OPEN, Effects, Entry, Link, Pushed, Run, RunStatus, Step
from trueup.state.process import Fate, Process
from trueup.state.store import StoredState

from tests.state.stores import PostgresPlace, SqlitePlace
from tests.support.fakes import FakeClock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EDIT = LinkForgotten("customer", "x")
KEYS = st.tuples(st.sampled_from(["customer", "contract"]), st.sampled_from(["x", "y", "ß'"]))
RUNS = st.sampled_from(["r1", "r2", "r3"])
WHO = st.sampled_from([0, 1])
FIELDS = st.dictionaries(
    st.sampled_from(["a", "$date", "udf.Ünit"]),
    st.none() | st.integers() | st.text(max_size=3) | st.just(Decimal("1.50")) | st.dates(),
    max_size=3,
)
LINKS = st.builds(
    lambda key, record, how: Link(key[0], key[1], "C", record, how),
    KEYS,
    st.integers(1, 9),
    st.just("match"),
)
PUSHED = st.builds(
    lambda key, day, marked: Pushed(key[0], key[1], 5, day, 3, "a1", "r1", ({"day": day},), marked),
    KEYS,
    st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    st.booleans(),
)
EFFECTS = st.builds(
    Effects,
    links=st.lists(LINKS, max_size=3).map(tuple),
    unlink=st.lists(KEYS, max_size=2).map(tuple),
    applied=st.dictionaries(KEYS, FIELDS, max_size=3),
    pushed=st.lists(PUSHED, max_size=2).map(tuple),
    unpush=st.lists(KEYS, max_size=2).map(tuple),
)
ENTRIES = st.lists(
    st.builds(Entry, st.sampled_from(["a1", "a2"]), st.sampled_from(Step), st.just(NOON), FIELDS),
    max_size=3,
)


class OtherHosts:
    """Processes on different hosts."""

    def __init__(self, who: int) -> None:
        self.who = who

    def mine(self) -> Process:
        return Process(f"host-{self.who}", self.who)

    def fate(self, process: Process) -> Fate:
        return Fate.UNKNOWN


class TwoProcesses(RuleBasedStateMachine):
    """Two stores of one state, each with its last lease, and the model of the state."""

    places: ClassVar[list[SqlitePlace | PostgresPlace]] = []
    """Where the states of the tests are; a fixture says."""

    def __init__(self) -> None:
        super().__init__()
        self.name = uuid4().hex
        self.clock = FakeClock(NOON)
        self.stores = [self.opened(who) for who in (0, 1)]
        self.leases: dict[int, object] = {}
        self.holder: int | None = None
        self.expires = NOON
        self.links, self.applied, self.pushed = {}, {}, {}
        self.runs: dict[str, Run] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.serial = 0

    def opened(self, who: int) -> StoredState:
        return self.places[-1].store(
            self.name, clock=self.clock, lease_seconds=60, processes=OtherHosts(who)
        )

    def call(self, who: int, write, *, known=True) -> bool:
        """Makes a call that the model expects to be done or refused; whether it was done."""
        if who not in self.leases:
            return False
        if who != self.holder:
            with pytest.raises(StateLocked):
                write(self.stores[who], self.leases[who])
            return False
        if not known:
            with pytest.raises(StateError):
                write(self.stores[who], self.leases[who])
            return False
        write(self.stores[who], self.leases[who])
        return True

    def apply(self, effects: Effects) -> None:
        for key in effects.unlink:
            self.links.pop(key, None)
            self.applied.pop(key, None)
        for key in effects.unpush:
            self.pushed.pop(key, None)
        self.links |= {(link.mapping, link.key): link for link in effects.links}
        self.applied |= effects.applied
        self.pushed |= {(log.mapping, log.key): log for log in effects.pushed}

    @rule(who=WHO, reason=st.sampled_from(["", "", "stolen laptop"]))
    def acquire(self, who, reason):
        if self.holder is not None and self.clock.now() < self.expires and not reason:
            with pytest.raises(StateLocked):
                self.stores[who].acquire("apply")
            return
        self.leases[who] = self.stores[who].acquire("apply", reason=reason)
        self.expires = self.clock.now() + timedelta(seconds=60)
        self.holder = who

    @rule(who=WHO)
    def renew(self, who):
        if self.call(who, lambda state, lease: state.renew(lease)):
            self.expires = self.clock.now() + timedelta(seconds=60)

    @rule(who=WHO)
    def release(self, who):
        if who in self.leases:
            self.stores[who].release(self.leases[who])
            self.holder = None if self.holder == who else self.holder

    @rule(seconds=st.sampled_from([1, 59, 60]))
    def wait(self, seconds):
        self.clock.sleep(seconds)

    @rule(who=WHO)
    def reopen(self, who):
        self.stores[who].close()
        self.stores[who] = self.opened(who)

    @rule(who=WHO, known=RUNS)
    def begin(self, who, known):
        run = Run(known, "d", "{}", f"{who}", "h", self.clock.now())
        if self.call(
            who, lambda state, lease: state.begin(run, lease), known=known not in self.runs
        ):
            self.runs[known], self.entries[known] = run, []

    @rule(who=WHO, known=RUNS, entries=ENTRIES, effects=EFFECTS)
    def record(self, who, known, entries, effects):
        done = self.call(
            who,
            lambda state, lease: state.record(lease, known, entries, effects),
            known=known in self.runs,
        )
        if done:
            self.entries[known] += entries
            self.apply(effects)

    @rule(
        who=WHO,
        known=RUNS,
        status=st.sampled_from([RunStatus.DONE, RunStatus.PARTIAL, RunStatus.INTERRUPTED]),
    )
    def finish(self, who, known, status):
        at = self.clock.now()
        run = self.runs.get(known)
        open_run = run is not None and run.status is not RunStatus.DONE
        if self.call(
            who, lambda state, lease: state.finish(lease, known, status, at), known=open_run
        ):
            self.runs[known] = replace(run, status=status, ended=at)
            self.serial += 1

    @rule(who=WHO, effects=EFFECTS)
    def edit(self, who, effects):
        if self.call(who, lambda state, lease: state.edit(lease, EDIT, effects, reason="why")):
            self.apply(effects)
            self.serial += 1

    @rule(who=WHO)
    def adopt(self, who):
        systems = {"target": f"{self.serial}"}
        if self.call(who, lambda state, lease: state.adopt(lease, systems, reason="renamed")):
            self.serial += 1

    @rule(who=WHO, known=RUNS, entries=ENTRIES, effects=EFFECTS)
    def settle(self, who, known, entries, effects):
        done = self.call(
            who,
            lambda state, lease: state.settle(lease, known, entries, effects, reason="seen"),
            known=known in self.runs,
        )
        if done:
            self.entries[known] += entries
            self.apply(effects)
            self.serial += 1

    @invariant()
    def stores_and_model_agree(self):
        for state in self.stores:
            snapshot = state.load()
            assert (snapshot.links, snapshot.applied, snapshot.pushed) == (
                self.links,
                self.applied,
                self.pushed,
            )
            assert (snapshot.serial, bool(snapshot.lineage)) == (self.serial, bool(self.runs))
            assert list(state.runs()) == list(self.runs.values())
            in_doubt = {run for run, _ in self.in_doubt()}
            assert {run.id for run in snapshot.open_runs} == in_doubt | {
                run.id
                for run in self.runs.values()
                if run.status in {RunStatus.OPEN, RunStatus.INTERRUPTED}
            }
        for known, entries in self.entries.items():
            assert [replace(entry, seq=0) for entry in state.journal(known)] == entries
        assert {(run, entry.change) for run, entry in state.in_doubt()} == self.in_doubt()
        assert state.verify() == []

    def in_doubt(self) -> set[tuple[str, str]]:
        last = {
            (run, entry.change): entry.step
            for run, entries in self.entries.items()
            for entry in entries
        }
        return {change for change, step in last.items() if step in OPEN}

    def teardown(self):
        if self.runs:
            text = self.stores[0].export()
            with self.places[-1].store(f"{self.name}.copy", clock=self.clock) as copy:
                copy.import_(text)
                assert copy.export() == text
                assert copy.load() == self.stores[0].load()
        for state in self.stores:
            state.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    TwoProcesses.places.append(SqlitePlace(tmp_path_factory.mktemp("states")))
    yield
    TwoProcesses.places.pop()


@pytest.fixture(scope="module")
def tenants(postgres_of_module):
    TwoProcesses.places.append(PostgresPlace(postgres_of_module, "model"))
    yield
    TwoProcesses.places.pop()


HALF = settings().max_examples // 2


@pytest.mark.usefixtures("files")
class TestTwoProcessesOnAFile(TwoProcesses.TestCase):  # type: ignore[valid-type,misc] # hypothesis makes it
    settings = settings(max_examples=HALF, stateful_step_count=25)


@pytest.mark.usefixtures("tenants")
class TestTwoProcessesOnPostgres(TwoProcesses.TestCase):  # type: ignore[valid-type,misc]
    settings = settings(max_examples=HALF // 2, stateful_step_count=25)
