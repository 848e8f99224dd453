"""`trueup settings`: shows and changes the connection and the settings in trueup.yaml."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.output import out, out_done, report

if TYPE_CHECKING:
    from trueup.model.setup import Setting, Setup, Steps


@click.group(
    short_help="Show and change settings.",
    epilog=example(
        "trueup settings list", "trueup settings set default_company_type Prospect --preview"
    ),
)
def settings() -> None:
    """The connection and the settings of Work 365's own Autotask screen, in trueup.yaml."""


@settings.command(
    "list", short_help="List the settings.", epilog=example("trueup settings list --choices")
)
@click.option("--choices", is_flag=True, help="Read what Autotask has for each; costs calls.")
@common
def list_(context: CommandContext, choices: bool) -> int:  # noqa: FBT001 -- click's
    """List the settings with their values, and, with --choices, what Autotask has for each."""
    from trueup.operations.setup import read_setup
    from trueup.render.setup import setup_json, setup_text

    setup = read_setup(context.folder, live=choices)
    out(setup_json(setup) if context.json else setup_text(setup, context.style))
    if setup.unread:
        report(f"Autotask could not be read: {setup.unread}")
    return 0


@settings.command(
    "set",
    short_help="Change a setting.",
    epilog=example(
        "trueup settings set billing_codes.products 'Software licences'",
        "trueup settings set billing_frequencies.Annual Yearly",
        "trueup settings set target.secret AUTOTASK_SECRET",
    ),
)
@click.argument("name")
@click.argument("value")
@click.option("--preview", is_flag=True, help="Show the difference; write nothing.")
@common
def set_(context: CommandContext, name: str, value: str, preview: bool) -> int:  # noqa: FBT001 -- click's
    """Set NAME to VALUE in trueup.yaml, with comments and order kept.

    The result is checked as `trueup validate` checks, and refused where that finds an error. Of a
    secret, VALUE is the name of the variable of the environment that holds it.
    """
    return _change(context, name, value, preview=preview)


@settings.command(
    short_help="Clear a setting.",
    epilog=example(
        "trueup settings clear setup_fee", "trueup settings clear manufacturers.Contoso"
    ),
)
@click.argument("name")
@click.option("--preview", is_flag=True, help="Show the difference; write nothing.")
@common
def clear(context: CommandContext, name: str, preview: bool) -> int:  # noqa: FBT001 -- click's
    """Clear the setting NAME in trueup.yaml, or remove the entry NAME of a list of settings."""
    return _change(context, name, "", preview=preview)


def _change(context: CommandContext, name: str, value: str, *, preview: bool) -> int:
    from trueup.operations.setup import propose_setup, read_setup, write_setup
    from trueup.render.json_ import as_json
    from trueup.render.setup import edit_text

    setup = read_setup(context.folder, live=False)
    edit = propose_setup(context.folder, {_steps(setup, name): value}, setup.version)
    if not preview:
        write_setup(context.folder, edit)
    if context.json:
        shown: Mapping[str, object] = {
            "changed": edit.changed,
            "difference": edit.difference,
            "warnings": edit.warnings,
            "written": not preview,
        }
        out_done(as_json(shown))
    else:
        out_done(edit_text(edit) + ("" if preview else "Written to trueup.yaml.\n"))
    return 0


def _steps(setup: "Setup", name: str) -> "Steps":
    """Returns the keys that lead to the setting, with or without `settings.` in front."""
    from trueup.model.setup import SettingKind

    known: tuple[Setting, ...] = (*setup.connection, *setup.settings)
    full = name if name.startswith(("settings.", "target.", "source.")) else f"settings.{name}"
    for one in known:
        if full == one.name and one.kind is not SettingKind.LIST:
            return one.steps
        if one.kind is SettingKind.LIST and full.removesuffix(".") == one.name:
            entry = f"{name.removesuffix('.')}.{next(iter(one.entries), 'NAME')}"
            raise click.UsageError(f"{name} is a list of settings: name one entry, such as {entry}")
        if one.kind is SettingKind.LIST and full.startswith(f"{one.name}."):
            return (*one.steps, full.removeprefix(f"{one.name}."))
    from trueup.model.suggestions import hint

    names = [one.name.removeprefix("settings.") for one in known]
    raise click.UsageError(f"There is no setting {name!r}: {hint(name, names)}".rstrip(": "))
