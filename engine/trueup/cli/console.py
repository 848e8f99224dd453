"""The console of `trueup eval`: one expression per line, with completion on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from trueup.cli.output import out, report
from trueup.errors import EngineError
from trueup.operations.evaluate import OpenRow
from trueup.render.evaluation import evaluation_text
from trueup.render.sanitize import exact_lines
from trueup.render.style import Style

PROMPT = "> "
_WORDS_END_AT = " \t\n|()[]{},~+-*/%<>=!'\""


class Console:
    """Reads expressions from stdin and shows their results until the input ends.

    An expression that fails is reported, and the next one is read. Lines of a pipe or a file are
    reported with their number.
    """

    def __init__(self, row: OpenRow, style: Style) -> None:
        self._row, self._style = row, style
        self._choices: list[str] = []

    def run(self) -> int:
        """Runs until the end of the input, or a line `exit`; returns how many lines failed."""
        if sys.stdin.isatty():
            with self._completion():
                return self._read(self._typed(), is_typed=True)
        return self._read((line.rstrip("\n") for line in sys.stdin), is_typed=False)

    def _read(self, lines: Iterator[str], *, is_typed: bool) -> int:
        failed = 0
        for number, line in enumerate(lines, 1):
            if line.strip() == "exit":
                break
            if line.strip():
                try:
                    out(evaluation_text(self._row.evaluate(line.strip()), self._style))
                except EngineError as error:
                    failed += 1
                    place = "" if is_typed else f"line {number}: "
                    report(exact_lines(f"error: {place}{error}"))
        return failed

    def _typed(self) -> Iterator[str]:
        while True:
            try:
                yield input(PROMPT)
            except EOFError:
                click.echo()
                return

    @contextmanager
    def _completion(self) -> Iterator[None]:
        """Completes words with the tab key while the block runs, where readline exists."""
        try:
            import readline  # Windows has none
        except ImportError:
            yield
            return

        def complete(_word: str, number: int) -> str | None:
            return self.choice(readline.get_line_buffer()[: readline.get_endidx()], number)

        before = readline.get_completer()
        readline.set_completer(complete)
        readline.set_completer_delims(_WORDS_END_AT)
        readline.parse_and_bind("tab: complete")
        try:
            yield
        finally:
            readline.set_completer(before)

    def choice(self, text: str, number: int) -> str | None:
        """Returns completion `number` for the text before the cursor; None after the last."""
        if number == 0:
            self._choices = [*self._row.complete(text)]
        return self._choices[number] if number < len(self._choices) else None
