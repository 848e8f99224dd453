"""Parts of command lines: examples in help texts, and a check against empty values."""

import os
import sys
from collections.abc import Sequence

import click


def example(*lines: str) -> str:
    """Returns an epilog with examples of a command, line by line as given."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def refuse_unusable_values(arguments: Sequence[str]) -> None:
    """Raises UsageError for an argument or a value of an option that is empty or no text.

    A shell variable that is not set would otherwise lift a limit: `--customer "$UNSET"` would plan
    for all customers. Bytes that are no UTF-8 come as lone surrogates, which no file can hold.
    """
    for position, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        is_option = name.startswith("--") and equals
        is_empty = not argument.strip() or (is_option and not value.strip())
        if not is_empty and _is_text(argument):
            continue
        before = arguments[position - 1] if position else ""
        named = name if is_option else before if before.startswith("-") else ""
        what = named if named and _is_text(named) else "an argument"
        if is_empty:
            raise click.UsageError(f"{what} is empty: give it a value, or leave it out.")
        raise click.UsageError(f"{what} has {_why_no_text(argument)}.")


def _why_no_text(argument: str) -> str:
    """Returns why it has lone surrogates, and what to do.

    Where the process has another encoding than UTF-8, text is not decoded: files with such names
    could not be opened all the same.
    """
    try:
        os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return "bytes that are no UTF-8: write the text in UTF-8"
    encoding = sys.getfilesystemencoding()
    return f"letters that the encoding of this process ({encoding}) lacks: set PYTHONUTF8=1"


def _is_text(argument: str) -> bool:
    """Returns whether it has no lone surrogates."""
    return not any("\ud800" <= one <= "\udfff" for one in argument)
