"""Parts of command lines: examples in help texts, and a check against empty values."""

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
        raise click.UsageError(f"{what} has bytes that are no UTF-8: write the text in UTF-8.")


def _is_text(argument: str) -> bool:
    """Returns whether it has no lone surrogates."""
    return not any("\ud800" <= one <= "\udfff" for one in argument)
