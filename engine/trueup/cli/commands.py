"""The group of all commands. It imports a command when it is used.

`trueup --help` and the completion of names take their texts from `SHORT_HELP`, because importing
all commands with their libraries would be slow.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SHORT_HELP: Mapping[str, str] = {
    "init": "Create a project to start from.",
    "validate": "Check the files of a project or a fleet.",
    "fmt": "Give the YAML files one layout.",
    "test": "Run the project's tests.",
    "plan": "Show what apply would do.",
    "approve": "Approve or refuse a plan.",
    "apply": "Apply a plan.",
    "show": "Show a saved plan.",
    "review": "Review and decide in a browser.",
    "graph": "Draw what depends on what.",
    "explain": "Explain a change, a field or a total.",
    "eval": "Evaluate an expression on a row.",
    "search": "Search records by name or number.",
    "link": "Link rows to records.",
    "decide": "Write decisions about rows.",
    "note": "Write a note about a row.",
    "state": "Inspect and repair the state.",
    "history": "Show runs, users and proofs.",
    "settings": "Show and change settings.",
    "doctor": "Check connections and rights.",
    "discover": "Find Work 365's names in Dataverse.",
    "catalogue": "Extend what is known of Autotask.",
    "notify": "Test the addresses of notices.",
    "sandbox": "Serve Autotask on this machine.",
    "fleet": "Run many tenants on a schedule.",
    "rehearse": "Apply a plan to a copy.",
    "mcp": "Serve read-only tools to an assistant.",
}
"""The commands with their short help, in the order in which they are used.

Command NAME is the object NAME of module `trueup.cli.NAME`.
"""


class _Commands(MutableMapping[str, click.Command]):
    """The commands by name; each is imported when it is looked up."""

    def __init__(self) -> None:
        self._imported: dict[str, click.Command | None] = dict.fromkeys(SHORT_HELP)

    def __getitem__(self, name: str) -> click.Command:
        found = self._imported[name]
        if found is None:
            command: click.Command = getattr(import_module(f"trueup.cli.{name}"), name)
            found = self._imported[name] = command
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._imported[name] = command

    def __delitem__(self, name: str) -> None:
        del self._imported[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._imported)

    def __len__(self) -> int:
        return len(self._imported)

    def __contains__(self, name: object) -> bool:
        return name in self._imported


class CommandGroup(click.Group):
    """All commands, in the order of `SHORT_HELP` instead of by the alphabet."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 -- click's
        super().__init__(commands=_Commands(), **attributes)

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands of the help text; imports none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([*SHORT_HELP.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list["CompletionItem[str]"]:
        """Returns the commands and options that begin with the text; imports no command."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=text)
            for name, text in SHORT_HELP.items()
            if name.startswith(incomplete)
        ]
        return [*found, *super(click.Group, self).shell_complete(ctx, incomplete)]
