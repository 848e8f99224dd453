"""One run of one tenant: finish the open run, then plan, then do what `run:` says.

Nothing here waits for a person or for a time: a run that must wait ends with the reason.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from trueup import wiring
from trueup.errors import (
    ApprovalMissing,
    ConfigError,
    EngineError,
    PlanRefused,
    RunLeftOpen,
    SourceError,
    StalePlan,
    StateError,
    StateLocked,
    TargetRejected,
    TargetUnavailable,
)
from trueup.fleet.event_log import EventLog
from trueup.fleet.figures import figures_of
from trueup.fleet.tracing import span
from trueup.model import document
from trueup.model.fleet import PolicyLimits, RunMode, Tenant
from trueup.model.fleet_run import (
    Again,
    ApprovedPlan,
    FleetRunStatus,
    RunEnd,
    RunKind,
    TenantDoubt,
    WaitingPlan,
    Waits,
)
from trueup.model.outcome import ChangeStatus, Outcome
from trueup.model.plan import GuardExceeded, Plan
from trueup.model.project import Project
from trueup.operations import apply as applying
from trueup.operations import plan as planning
from trueup.operations.listener import Listener
from trueup.pipeline import ApplyOptions
from trueup.render.formatting import count
from trueup.stages.guard import over_money

AFTER_SETTLING = timedelta(seconds=2)
"""Time between the settling time of changes in doubt and the next run of the tenant."""

UNLOCKED = timedelta(seconds=30)
"""Time until the next run of a tenant whose state is locked, if the lease is unknown."""

WITHIN = "within"
"""Prefix of the names of the limits of `run:` in fleet.yaml, beside those of the project."""


class RunTask(Struct, frozen=True):
    """The task of a run."""

    kind: RunKind
    worker: str
    approved: ApprovedPlan | None = None

    def mode(self, tenant: Tenant) -> RunMode:
        """Returns what the run may do."""
        match self.kind:
            case RunKind.PLAN:
                return RunMode.PLAN
            case RunKind.SCHEDULED | RunKind.AGAIN | RunKind.REQUESTED | RunKind.APPROVED:
                return tenant.run.do
            case _:
                assert_never(self.kind)


class TenantRun:
    """One run of a tenant. Once `stop` is set, nothing more is sent, and the run ends."""

    def __init__(
        self, project: Project, tenant: Tenant, task: RunTask, stop: Event, log: EventLog
    ) -> None:
        self._project, self._tenant, self._task, self._stop = project, tenant, task, stop
        self._log = log
        self._mode = task.mode(tenant)
        self._made: Plan | None = None
        self._resumed: RunEnd | None = None  # the end of the open run, once it is done

    def run(self) -> RunEnd:
        """Executes the run. An error that a user can fix becomes a part of the result."""
        try:
            end = self._run()
        except EngineError as error:
            end = self._failed(error)
        if self._resumed:
            end = _joined(self._resumed, end)
        if end.figures or self._made is None:
            return end
        return replace(end, figures=figures_of(self._made, self._project.currency))

    def _run(self) -> RunEnd:
        if self._mode is not RunMode.PLAN and self._has_open_run():
            if not self._window_is_open():
                return self._wait_for_window("an interrupted run")
            with span("resume"):
                outcome = applying.resume(self._project, self._options())
            end = self._ended(outcome)
            if end.status is not FleetRunStatus.DONE:
                return end
            self._resumed = end
            return self._by_policy()
        if self._task.approved:
            try:
                return self._apply_approved(self._task.approved)
            except StalePlan as stale:
                end = self._by_policy()
                return replace(end, text=f"the approved plan was not applied: {stale}\n{end.text}")
        return self._by_policy()

    def _by_policy(self) -> RunEnd:
        if self._stop.is_set():
            return _interrupted()
        match self._mode:
            case RunMode.PLAN:
                return self._plan_only()
            case RunMode.APPLY_APPROVED:
                return self._plan_for_approval()
            case RunMode.APPLY:
                return self._plan_and_apply()
            case _:
                assert_never(self._mode)

    def _plan_only(self) -> RunEnd:
        self._made = self._plan()
        return RunEnd(FleetRunStatus.PLANNED, doubt=self._doubt_left())

    def _plan(self) -> Plan:
        with span("plan"):
            return planning.plan(self._project)

    def _plan_for_approval(self) -> RunEnd:
        made = self._made = self._plan()
        if not made.changes:
            return RunEnd(FleetRunStatus.DONE)
        return self._waiting(Waits.APPROVAL, "its plan waits for an approval", made.exceeded)

    def _plan_and_apply(self) -> RunEnd:
        held: list[RunEnd] = []

        def decide(made: Plan) -> bool:
            held.extend(self._held(made))
            return not held

        def keep(made: Plan) -> None:
            self._made = made

        try:
            with span("plan and apply"):
                outcome = applying.plan_and_apply(
                    self._project, decide, self._options(), Listener(planned=keep)
                )
        except ApprovalMissing as missing:
            return self._waiting(Waits.APPROVAL, str(missing), ())
        except PlanRefused as refused:
            if self._made is None:
                raise
            return self._waiting(Waits.LIMITS, str(refused), self._made.exceeded)
        if outcome is not None:
            return self._ended(outcome)
        return held[0] if held else RunEnd(FleetRunStatus.DONE)

    def _held(self, made: Plan) -> Iterator[RunEnd]:
        """Yields the reason why this run may not apply the plan, if there is one."""
        within = self._tenant.run.within
        over = exceeded(within, made) if within else ()
        if self._stop.is_set():
            yield _interrupted()
        elif over:
            text = "; ".join(limit.text for limit in over)
            yield self._waiting(Waits.LIMITS, f"its plan is over limits of fleet.yaml: {text}", ())
        elif not self._window_is_open():
            yield self._wait_for_window(_changes(made))

    def _apply_approved(self, approved: ApprovedPlan) -> RunEnd:
        made = self._made = document.loads(approved.document)
        if not self._window_is_open():
            return self._wait_for_window("the approved plan")
        options = replace(
            self._options(), over=approved.over, who=f"{approved.who} (approved in the fleet)"
        )
        try:
            with span("apply"):
                outcome = applying.apply(self._project, approved.document, options)
            return self._ended(outcome)
        except ApprovalMissing as missing:
            return self._waiting(Waits.APPROVAL, str(missing), made.exceeded)
        except PlanRefused as refused:
            return self._waiting(Waits.LIMITS, str(refused), made.exceeded)

    def _options(self) -> ApplyOptions:
        return ApplyOptions(who=f"fleet worker {self._task.worker}", stop=self._stop)

    def _has_open_run(self) -> bool:
        with wiring.open_state(self._project) as state:
            return bool(state.load().open_runs)

    def _doubt_left(self) -> TenantDoubt | None:
        """Returns the changes in doubt of a tenant that is only planned: a person settles them."""
        with wiring.open_state(self._project) as state:
            doubts = [entry.at for _, entry in state.in_doubt()]
        return TenantDoubt(len(doubts), min(doubts), None) if doubts else None

    def _window_is_open(self) -> bool:
        window = self._tenant.window
        return window is None or window.is_open(_now(), self._tenant.zone)

    def _wait_for_window(self, what: str) -> RunEnd:
        window = self._tenant.window
        at = window.opens_after(_now(), self._tenant.zone) if window else _now()
        shown = at.astimezone(self._tenant.zone)
        text = f"{what} waits for the window that opens on {shown:%Y-%m-%d at %H:%M}"
        again = Again(at, "its window opens", is_retry=False)
        return RunEnd(FleetRunStatus.WAITING, text, waits=Waits.WINDOW, again=again)

    def _waiting(self, waits: Waits, text: str, over: Sequence[GuardExceeded]) -> RunEnd:
        if self._made is None:
            return RunEnd(FleetRunStatus.WAITING, text, waits=waits)
        written = document.dumps(self._made)
        limits = tuple(limit.limit for limit in over)
        plan = WaitingPlan(written, document.plan_id(written), limits)
        return RunEnd(FleetRunStatus.WAITING, text, waits=waits, plan=plan)

    def _ended(self, outcome: Outcome) -> RunEnd:
        """Turns the outcome of an apply into the end of the run."""
        for change in outcome.changes:
            self._log.emit(
                "change",
                change=change.change,
                action=str(change.action),
                status=str(change.status),
                state_run=outcome.run,
            )
        counts = Counter(str(change.status) for change in outcome.changes)
        common = RunEnd(
            FleetRunStatus.DONE, state_run=outcome.run, outcomes=counts, calls=outcome.calls
        )
        doubtful = [change for change in outcome.changes if change.status is ChangeStatus.IN_DOUBT]
        if doubtful:
            return _in_doubt(common, outcome)
        if outcome.interrupted:
            why = _interrupted()
            return replace(common, status=why.status, text=why.text, again=why.again)
        if outcome.stopped or outcome.remaining:
            text = outcome.stopped or f"{_were(outcome.remaining)} not tried"
            again = Again(_now(), "an open run continues")
            return replace(common, status=FleetRunStatus.PARTIAL, text=text, again=again)
        if not outcome.complete:
            named = [
                f"{change.name}: {change.status}: {change.text}"
                for change in outcome.changes
                if change.text
            ]
            return replace(common, status=FleetRunStatus.PARTIAL, text="\n".join(named[:20]))
        return common

    def _failed(self, error: EngineError) -> RunEnd:
        cause = error.__cause__ if isinstance(error, RunLeftOpen) else error
        if isinstance(cause, StateLocked):
            return _locked(cause, str(error))
        again = Again(_now(), "it failed") if _may_pass(error) else None
        return RunEnd(FleetRunStatus.FAILED, str(error), again=again)


def exceeded(within: PolicyLimits, made: Plan) -> Sequence[GuardExceeded]:
    """Returns the limits of `run: {do: apply, within: …}` that a plan exceeds.

    A change without a known price may move any amount, so a plan with one exceeds both amounts.
    """
    changes = made.changes
    found = []
    if len(changes) > within.changes:
        are = "is" if len(changes) == 1 else "are"
        text = f"{count(len(changes), 'change')} {are} over the limit of {within.changes:,}"
        found.append(GuardExceeded(WITHIN, f"{WITHIN}:changes", text))
    found += over_money(within.monthly_effect, within.one_off_effect, changes)
    unknown = sum(1 for change in changes if change.price_unknown)
    if unknown:
        have = "has" if unknown == 1 else "have"
        text = f"{unknown:,} of the changes {have} no known price"
        found.append(GuardExceeded(WITHIN, f"{WITHIN}:prices", text))
    return found


def _in_doubt(common: RunEnd, outcome: Outcome) -> RunEnd:
    doubtful = [change for change in outcome.changes if change.status is ChangeStatus.IN_DOUBT]
    sent = min((one.sent for one in doubtful if one.sent), default=None)
    settles = outcome.settles
    doubt = TenantDoubt(len(doubtful), sent, settles)
    text = f"the outcome of {count(len(doubtful), 'change')} is unknown"
    if settles is None:
        return replace(
            common,
            status=FleetRunStatus.IN_DOUBT,
            text=f"{text}, and reading cannot settle it: `trueup state doubt` shows what is known",
            doubt=doubt,
            waits=Waits.PERSON,
        )
    again = Again(settles + AFTER_SETTLING, "what is in doubt can be settled", is_retry=False)
    return replace(common, status=FleetRunStatus.IN_DOUBT, text=text, doubt=doubt, again=again)


def _interrupted() -> RunEnd:
    again = Again(_now(), "its worker was stopped", is_retry=False)
    return RunEnd(FleetRunStatus.INTERRUPTED, "its worker was stopped", again=again)


def _locked(error: StateLocked, text: str) -> RunEnd:
    """Another process holds the state: a dead one of another host, or a user's. Not a failure.

    The tenant is run again after the end of the lease, or soon if the lease is unknown.
    """
    now = _now()
    until = error.until + AFTER_SETTLING if error.until else now
    at = until if until > now else now + UNLOCKED
    again = Again(at, "its state was locked", is_retry=False)
    return RunEnd(FleetRunStatus.INTERRUPTED, text, again=again)


def _may_pass(error: EngineError) -> bool:
    """Returns whether the same run may succeed later without any change by a person."""
    if isinstance(error, ConfigError | TargetRejected | StalePlan):
        return False
    return isinstance(error, TargetUnavailable | SourceError | StateError)


def _changes(made: Plan) -> str:
    return f"a plan of {count(sum(made.summary.actions.values()), 'change')}"


def _were(changes: int) -> str:
    return f"{count(changes, 'change')} {'was' if changes == 1 else 'were'}"


def _joined(first: RunEnd, last: RunEnd) -> RunEnd:
    """Returns the end of a run that finished an open run first: what both did, as one."""
    return replace(
        last,
        outcomes=Counter(first.outcomes) + Counter(last.outcomes),
        calls=first.calls + last.calls,
        state_run=last.state_run or first.state_run,
    )


def _now() -> datetime:
    return datetime.now(UTC)
