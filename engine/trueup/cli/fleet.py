"""`trueup fleet`: many tenants, on a schedule."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.desks import EXTRA, PACKAGES, surroundings
from trueup.cli.exit_codes import Exit
from trueup.cli.extras import needing
from trueup.cli.open_fleets import find_fleet, opened_fleet
from trueup.cli.output import out, out_done
from trueup.cli.parameters import NumberInRange, WholeNumber, only_with, port_option, refuse_with
from trueup.cli.signals import stopping

if TYPE_CHECKING:
    from trueup.fleet.approve import PlanForApproval
    from trueup.fleet.open_fleet import OpenFleet
    from trueup.fleet.schedule import RequestedRuns
    from trueup.model.fleet_run import RunKind

_LEFT = "\nleft at once: other workers continue the interrupted runs"


@click.group(
    short_help="Run many tenants on a schedule.",
    epilog=example("trueup fleet status", "trueup fleet worker", "trueup fleet approve acme"),
)
def fleet() -> None:
    """Many tenants, each a project, run on a schedule by any number of workers.

    fleet.yaml names the tenants. Needs the extra `fleet`.
    """


@fleet.command(
    short_help="Plan tenants; write nothing.",
    epilog=example("trueup fleet plan acme birch", "trueup fleet plan --all"),
)
@click.argument("tenants", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every tenant of fleet.yaml.")
@common
def plan(context: CommandContext, tenants: tuple[str, ...], everyone: bool) -> int:  # noqa: FBT001 -- click's
    """Queue a plan of each TENANT; a worker makes it. Nothing is written to any system.

    `trueup fleet status` shows the result.
    """
    from trueup.model.fleet_run import RunKind

    return _request(context, tenants, RunKind.PLAN, everyone=everyone)


@fleet.command(
    short_help="Run tenants now.",
    epilog=example("trueup fleet run acme", "trueup fleet run --all"),
)
@click.argument("tenants", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every tenant of fleet.yaml.")
@common
def run(context: CommandContext, tenants: tuple[str, ...], everyone: bool) -> int:  # noqa: FBT001 -- click's
    """Queue a run of each TENANT now; a worker does what its `run:` in fleet.yaml says.

    A tenant that is at work runs once more afterwards.
    """
    from trueup.model.fleet_run import RunKind

    return _request(context, tenants, RunKind.REQUESTED, everyone=everyone)


@fleet.command(
    short_help="Show the status of each tenant.",
    epilog=example("trueup fleet status", "trueup fleet status acme --json"),
)
@click.argument("tenants", nargs=-1)
@common
def status(context: CommandContext, tenants: tuple[str, ...]) -> int:
    """Show each tenant's last and next run, what is at stake, what waits, and what is in doubt.

    With TENANT, these alone, with their latest runs. Times are UTC.
    """
    with _opened(context) as opened:
        from trueup.fleet.open_fleet import require_tenants
        from trueup.fleet.status import fleet_status, runs_of
        from trueup.render.fleet import runs_text, status_data, status_text
        from trueup.render.json_ import as_json

        with opened.connect() as connection:
            opened.prepare(connection)
            found = fleet_status(connection, tenants and require_tenants(connection, tenants))
            runs = {name: runs_of(connection, name) for name in tenants}
    if context.json:
        out(as_json(status_data(found, runs)))
        return Exit.DONE
    parts = [status_text(found, context.style, verbose=context.verbose)]
    parts += [f"{name}\n{runs_text(some, context.style)}" for name, some in runs.items()]
    out("\n".join(parts))
    return Exit.DONE


@fleet.command(
    short_help="Run a worker, which queues what is due and runs tenants.",
    epilog=example(
        "trueup fleet worker", "trueup fleet worker --at-once 4", "trueup fleet worker --once"
    ),
)
@click.option("--once", is_flag=True, help="End when nothing is due and nothing waits.")
@click.option(
    "--at-once",
    type=WholeNumber(1, 64),
    default=2,
    show_default=True,
    metavar="N",
    help="Tenants that are run at the same time, each in a process of its own.",
)
@click.option(
    "--takeover-after",
    type=NumberInRange(2, 3600),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="A worker without a sign of life for so long counts as dead. The same for all workers.",
)
@click.option(
    "--port",
    type=WholeNumber(0, 65535),
    help="Serve /healthz, /readyz and /metrics at this port; 0 takes a free port.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on, with --port.",
)
@common
def worker(
    context: CommandContext,
    once: bool,  # noqa: FBT001 -- click's
    at_once: int,
    takeover_after: float,
    port: int | None,
    host: str,
) -> int:
    """Queue what is due and run tenants, until Ctrl-C. Any number of workers may run, anywhere.

    Ctrl-C or a request to end stops gently: runs at work send nothing more, and other workers go
    on with them. While the database is away, the worker waits for it. Events go to stderr; with
    --json each is a JSON object on a line.
    """
    import asyncio
    from threading import Event

    if port is None:
        only_with("--port", "host")
    with _opened(context) as opened:
        from trueup.fleet import health, tracing
        from trueup.fleet.event_log import EventLog
        from trueup.fleet.worker import Worker, WorkerOptions

        tracing.require_libraries()
        log = EventLog(as_json=context.json)
        options = WorkerOptions(at_once, drain=once, takeover=takeover_after)

        at_work = Worker(opened, options, log)

        async def work() -> None:
            ended, loop = asyncio.Event(), asyncio.get_running_loop()

            class Stop(Event):
                """Set by a signal, it stops the loop too."""

                def set(self) -> None:
                    super().set()
                    loop.call_soon_threadsafe(ended.set)

            with stopping(Stop(), _LEFT):
                await at_work.work(ended)

        with ExitStack() as stack:
            if port is not None:
                served = health.serving(host, port, at_work.pulse, at_work.metrics)
                log.emit("listening", address=stack.enter_context(served))
            # The driver needs this loop on Windows too.
            runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
            stack.enter_context(runner).run(work())
    return Exit.DONE


@fleet.command(
    short_help="Look at tenants, and approve, in a browser.",
    epilog=example("trueup fleet review", "trueup fleet review --port 8366"),
)
@port_option()
@common
def review(context: CommandContext, port: int) -> int:
    """Serve the fleet to a browser on this machine, until Ctrl-C.

    It shows what `trueup fleet status` shows, the runs of each tenant and the plans that wait;
    plans are approved or refused and runs are queued there. The printed address works once, in the
    browser that opens it first. Needs the extras `fleet` and `review`.
    """
    from threading import Event

    with _opened(context) as opened:
        with needing("trueup fleet review", EXTRA, PACKAGES):
            from trueup.review.fleet_server import FleetServer
        around = surroundings(context, ["fleet", "review"])
        server, stop = FleetServer(opened, port, around), Event()
        with stopping(stop):
            server.run(stop)
    return Exit.DONE


@fleet.command(
    short_help="Approve or refuse a tenant's plan.",
    epilog=example(
        "trueup fleet approve acme",
        "trueup fleet approve acme --over creates:Contacts",
        "trueup fleet approve acme --no --reason 'ask them first'",
    ),
)
@click.argument("tenant")
@click.option("--no", "refuse", is_flag=True, help="Refuse the plan; needs --reason.")
@click.option("--reason", default="", help="Why, for those who read it later.")
@click.option(
    "--over",
    multiple=True,
    metavar="LIMIT",
    help="Allow the plan to exceed this limit of the project. Repeatable.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@common
def approve(
    context: CommandContext,
    tenant: str,
    refuse: bool,  # noqa: FBT001 -- click's
    reason: str,
    over: tuple[str, ...],
    yes: bool,  # noqa: FBT001 -- click's
) -> int:
    """Approve the plan of TENANT that waits; the next free worker applies exactly that plan.

    Where the tenant's project has `approval:`, its people, amounts and second persons count as with
    `trueup approve`. A refused plan stays refused as long as it comes out the same.

    Exit codes: 0 the plan is queued, or refused; 1 an error, or something is still missing.
    """
    from trueup.model.arguments import is_visible

    if refuse:
        refuse_with("--no", "over")
    if refuse and not is_visible(reason):
        raise click.UsageError("--no needs --reason, for the person who looks after the tenant.")
    if not (refuse or yes) and (context.json or not sys.stdin.isatty()):
        raise click.UsageError("Approve needs confirmation here: give --yes.")
    with _opened(context) as opened, opened.connect() as connection:
        from trueup.fleet import approve as operations
        from trueup.model.approval import Statement
        from trueup.operations.user import current_user
        from trueup.render.json_ import as_json

        opened.prepare(connection)
        waiting = operations.plan_for_approval(opened, connection, tenant)
        who = current_user()
        if not (refuse or yes):
            _show(context, waiting)
            if not click.confirm(f"\nApprove it as {who}?", default=False):
                out_done("Nothing was written.\n")
                return Exit.ERROR
        statement = Statement.NO if refuse else Statement.YES
        found = operations.answer(opened, connection, waiting, who, statement, reason, over)
    if context.json:
        out_done(as_json({"tenant": tenant, "queued": found.is_queued, "text": found.text}))
    else:
        done = "approved: the next free worker applies the plan" if found.is_queued else found.text
        out_done(f"{tenant}: {done}.\n")
    return Exit.DONE if found.is_queued or refuse else Exit.ERROR


def _show(context: CommandContext, waiting: "PlanForApproval") -> None:
    from trueup.render.text import plan_text

    out(plan_text(waiting.plan, context.style, verbose=context.verbose))


def _request(
    context: CommandContext, tenants: tuple[str, ...], kind: "RunKind", *, everyone: bool
) -> int:
    if bool(tenants) == everyone:
        raise click.UsageError("Name tenants, or give --all.")
    with _opened(context) as opened, opened.connect() as connection:
        from trueup.fleet.open_fleet import require_tenants
        from trueup.fleet.schedule import request_runs
        from trueup.render.json_ import as_json

        opened.prepare(connection)
        names = require_tenants(connection, tenants)
        found = request_runs(connection, opened.queue, names, kind)
    if context.json:
        out_done(as_json({"queued": found.queued, "after": found.after, "already": found.already}))
    else:
        out_done("".join(f"{line}\n" for line in _request_lines(found)))
    return Exit.DONE


def _request_lines(found: "RequestedRuns") -> Iterator[str]:
    from trueup.render.formatting import count, some

    if found.queued:
        yield f"Queued {count(len(found.queued), 'tenant')}: {some(found.queued)}."
    if found.after:
        yield f"At work or only planned now, and run once more afterwards: {some(found.after)}."
    if found.already:
        yield f"Queued or at work already: {some(found.already)}."


def _opened(context: CommandContext) -> "AbstractContextManager[OpenFleet]":
    """Returns the fleet of a command, in its folder or in a parent folder."""
    return opened_fleet(find_fleet(context.folder) or context.folder, "trueup fleet")
