"""Parts of command lines: examples in help texts, and a check against empty values."""

from collections.abc import Sequence

import click


def example(*lines: str) -> str:
    """Returns an epilog with examples of a command, line by line as given."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def refuse_empty_values(arguments: Sequence[str]) -> None:
    """Raises UsageError for an empty argument, or an option with an empty value.

    A shell variable that is not set would otherwise lift a limit: `--customer "$UNSET"` would plan
    for all customers.
    """
    for position, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        is_option = name.startswith("--") and equals
        if argument.strip() and not (is_option and not value.strip()):
            continue
        before = arguments[position - 1] if position else ""
        what = name if is_option else before if before.startswith("-") else "an argument"
        raise click.UsageError(f"{what} is empty: give it a value, or leave it out.")
