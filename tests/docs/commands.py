"""Command lines of trueup in the documentation."""

import shlex
from collections.abc import Iterable, Iterator

import click
from trueup.cli.main import trueup

_OPERATORS = {"&&", "||", "|", ";", ">", ">>", "<", "&"}


def command_lines(text: str) -> Iterator[list[str]]:
    """The words of each `trueup` command of a shell text, without redirections."""
    text = text.replace("\\\n", " ")
    for line in text.splitlines():
        yield from _commands(line.strip().removeprefix("$ "))


def _commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
    lexer.commenters = "#"
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in _OPERATORS:
            words.append(word)
            continue
        if words[:1] == ["trueup"]:
            yield words[1:]
        words = []


def resolve(words: Iterable[str]) -> tuple[click.Command, list[str]]:
    """The command that words begin with, and the words behind it. Raises AssertionError."""
    command, rest = trueup, [*words]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.commands.get(rest[0])
        assert found, f"trueup has no command {rest[0]!r}"
        command, rest = found, rest[1:]
    return command, rest


def parse(words: Iterable[str]) -> None:
    """Parses a whole command line. Raises click.UsageError or AssertionError."""
    command, rest = resolve(words)
    if isinstance(command, click.Group):
        return
    with click.Context(trueup) as parent:
        command.make_context(command.name, rest, parent=parent)


def require_options(words: Iterable[str]) -> None:
    """Requires that a command in prose, which may be incomplete, and its options exist."""
    command, rest = resolve(words)
    with click.Context(trueup, help_option_names=["-h", "--help"]) as parent:
        known = {
            option
            for part in command.get_params(click.Context(command, parent=parent))
            for option in (*part.opts, *part.secondary_opts)
        }
    unknown = {word.partition("=")[0] for word in rest if word.startswith("-")} - known
    assert not unknown, f"{command.name} has no {unknown}"
