"""`trueup review`: the plan in a browser, to decide about it and to apply it."""

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.output import out_done
from trueup.cli.signals import stopping
from trueup.loopback import is_loopback

INSTALL = "pip install trueup[review]"


def _own_host(_context: click.Context, _option: click.Parameter, host: str) -> str:
    """The host. Raises UsageError for one that other machines can reach."""
    host = host.strip("[]").lower()
    if is_loopback(host):
        return host
    raise click.UsageError(
        f"--host {host}: other machines could reach the desk, and it has no log-in for several "
        "people yet. It serves this machine only: 127.0.0.1, localhost or ::1."
    )


@click.command(
    short_help="Review and decide in a browser.",
    epilog=example("trueup review", "trueup review --port 8366 --project work"),
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="0 takes any free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=_own_host,
    help="A loopback address of this machine.",
)
@common
def review(context: CommandContext, port: int, host: str) -> int:
    """Serve the review desk to a browser on this machine, until Ctrl-C.

    Prints the address that opens the desk; it works once, in the browser that opens it first. The
    desk shows the plan by tab, row and ledger line, writes the decisions that `trueup link` and
    `trueup decide` would write, and applies what was previewed. Needs the extra `review`.
    """
    from threading import Event

    from trueup.cli.failures import fault_report
    from trueup.cli.output import report
    from trueup.cli.redaction import scrubbed, scrubber
    from trueup.errors import EngineError
    from trueup.render.json_ import as_json

    try:
        from trueup.review.server import Server, Surroundings
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"starlette", "uvicorn", "anyio"}:
            raise
        raise EngineError(f"trueup review needs `{INSTALL}`") from error

    def announce(address: str) -> None:
        if context.json:
            out_done(as_json({"address": address}))
        else:
            out_done(f"The desk is open, once, at {address}\nCtrl-C ends it.\n")

    around = Surroundings(
        scrub=scrubber(context.folder),
        report_fault=lambda error: report(
            scrubbed(fault_report(error, ["review"]), context.folder)
        ),
        announce=announce,
    )
    server = Server(context.folder, host, port, around)
    stop = Event()
    with stopping(stop):
        server.run(stop)
    return 0
