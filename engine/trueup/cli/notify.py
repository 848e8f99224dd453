"""`trueup notify --test`: sends a test notice to each address."""

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out_done


@click.command(short_help="Test the addresses of notices.", epilog=example("trueup notify --test"))
@click.option("--test", "is_test", is_flag=True, help="Send a test notice to each address.")
@common_with_tenant
def notify(context: CommandContext, is_test: bool) -> int:  # noqa: FBT001 -- click's
    """Show where notices go, or, with --test, send one to each address of `notify:`.

    Only the names of the variables are shown that hold the addresses. Exit codes: 0 all were sent;
    1 one was not, the output says why.
    """
    from trueup.operations.notify import sent_text, try_notices
    from trueup.render.json_ import as_json

    project = context.project()
    if not is_test:
        variables = [one.variable for one in project.notify.to]
        events, details = sorted(project.notify.events), project.notify.details
        if context.json:
            out_done(as_json({"to": variables, "events": events, "details": details}))
        elif not variables:
            out_done("No notices are sent: trueup.yaml has no `notify`.\n")
        else:
            to = ", ".join(f"env.{name}" for name in variables)
            out_done(f"Notices of {', '.join(events)} go to {to}, with details: {details}.\n")
        return Exit.DONE
    results = try_notices(project)
    if context.json:
        shown = [
            {
                "to": result.to.variable,
                "sent": not result.cause,
                "cause": result.cause,
                "remedy": result.remedy,
            }
            for result in results
        ]
        out_done(as_json({"notices": shown}))
    else:
        out_done("".join(f"{sent_text(result)}.\n" for result in results))
    return Exit.ERROR if any(result.cause for result in results) else Exit.DONE
