"""Shared parts of the commands that serve a desk."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trueup.cli.common import CommandContext
from trueup.cli.output import out_done

if TYPE_CHECKING:
    from trueup.review.server import Surroundings

EXTRA = "review"
PACKAGES = frozenset({"starlette", "uvicorn", "anyio", "authlib", "joserfc"})
"""The packages of the extra."""


def surroundings(
    context: CommandContext, command: Sequence[str], *, once: bool = True
) -> "Surroundings":
    """Returns the functions that a desk calls of its command.

    `once`: its address opens it only once.
    """
    from trueup.cli.failures import fault_report
    from trueup.cli.output import report
    from trueup.operations.redaction import scrubbed, scrubber
    from trueup.render.json_ import as_json
    from trueup.review.server import Surroundings

    def announce(address: str) -> None:
        if context.json:
            out_done(as_json({"address": address}))
        else:
            how = ", once," if once else ""
            out_done(f"The desk is open{how} at {address}\nCtrl-C ends it.\n")

    return Surroundings(
        scrub=scrubber(context.folder),
        report_fault=lambda error: report(scrubbed(fault_report(error, command), context.folder)),
        announce=announce,
    )
