"""`trueup review`: the plan in a browser, to decide about it and to apply it."""

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.desks import EXTRA, PACKAGES, surroundings
from trueup.cli.extras import needing
from trueup.cli.parameters import port_option
from trueup.cli.signals import stopping
from trueup.loopback import is_loopback


def _checked_host(host: str, auth: str, proxies: tuple[str, ...]) -> str:
    """Returns the host. Raises UsageError if other machines can reach it without a log-in."""
    host = host.strip("[]").lower()
    if proxies and auth != "oidc":
        raise click.UsageError("--proxy goes with --auth oidc.")
    if is_loopback(host) or auth == "oidc":
        return host
    raise click.UsageError(
        f"--host {host}: other machines could reach the desk, and this log-in is for one browser "
        "on this machine: 127.0.0.1, localhost or ::1. For a team, use --auth oidc."
    )


@click.command(
    short_help="Review and decide in a browser.",
    epilog=example(
        "trueup review",
        "trueup review --port 8366 --project work",
        "trueup review --host 0.0.0.0 --port 8366 --auth oidc --proxy 10.0.0.5",
    ),
)
@port_option()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; without --auth oidc, a loopback address of this machine.",
)
@click.option(
    "--auth",
    type=click.Choice(["token", "oidc"]),
    default="token",
    show_default=True,
    help="token: one browser, with the printed address. oidc: the people of a team, at their "
    "OpenID Connect provider.",
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="The proxy that serves the desk over HTTPS; its forwarded headers are trusted, and "
    "no other client may reach the desk. An address or a network. Repeatable.",
)
@common
def review(
    context: CommandContext, port: int, host: str, auth: str, proxies: tuple[str, ...]
) -> int:
    """Serve the review desk to a browser on this machine, or to a team, until Ctrl-C.

    Prints the address that opens the desk; it works once, in the browser that opens it first. With
    --auth oidc the people that `approval:` names log in at the provider that `desk:` names. The
    desk shows the plan by tab, row and ledger line, writes the decisions that `trueup link` and
    `trueup decide` would write, and applies what was previewed. Needs the extra `review`.
    """
    host = _checked_host(host, auth, proxies)
    from threading import Event

    with needing("trueup review", EXTRA, PACKAGES):
        from trueup.review.server import Server, Team
    around = surroundings(context, ["review"], once=auth != "oidc")
    team = Team(proxies) if auth == "oidc" else None
    server = Server(context.folder, host, port, around, team)
    stop = Event()
    with stopping(stop):
        server.run(stop)
    return 0
