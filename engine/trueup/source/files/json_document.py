"""A table in a JSON file, as Dataverse's Web API gives it, `{"value": [{…}, …]}`, or the bare list."""

import json
from collections.abc import Iterator, Mapping

from engine.errors import SourceError
from engine.source.documents import Lines, Spoilt
from engine.source.json_rows import BROKEN, STRICT, JsonRows, json_text
from engine.source.rows import Raw

_NEXT = "@odata.nextLink"


class JsonDocument:
    """A table in a JSON file; where a row stands is the offset of its first letter."""

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text, name
        self._lines = Lines(text)

    def rows(self) -> Iterator[tuple[int, Raw | Spoilt]]:
        """Row by row, so that the raw rows need not all be held at once."""
        walk = JsonRows(self._text, STRICT)
        try:
            for start, _, row in walk.rows():
                spoilt = Spoilt("a row is not an object of columns and values")
                yield start, row if isinstance(row, dict) else spoilt
        except json.JSONDecodeError as error:
            hint = "; it looks like HTML" if self._text.lstrip().startswith("<") else ""
            raise SourceError(f"{self._name}:{error.lineno}:{error.colno}: {error.msg}{hint}") from error
        except BROKEN as error:
            text = "a value is nested too deeply or a number is too long"
            raise SourceError(f"{self._name}: {text}") from error
        if _NEXT in walk.rest:
            raise SourceError(f"{self._name} is one page of several (it has `{_NEXT}`); export all of them")

    def line(self, where: int) -> int:
        """The line of the row that starts at that offset."""
        return self._lines.of(where)

    def names(self) -> list[str]:
        """The keys of the first row that is one."""
        first = next((row for _, row in self.rows() if not isinstance(row, Spoilt)), {})
        return list(first)

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> str:
        """The text with these values in the place of the old ones; new keys go to the end of their row."""
        parts, done = [], 0
        for start, row in sorted(edits.items()):
            for first, last, piece in sorted(self._pieces(start, row)):
                parts += [self._text[done:first], piece]
                done = last
        return "".join([*parts, self._text[done:]])

    def _pieces(self, start: int, row: Mapping[str, object]) -> Iterator[tuple[int, int, str]]:
        """What to put where: first letter, letter after the last, new text."""
        spans = JsonRows(self._text).spans(start)
        added = []
        for name, value in row.items():
            text = json_text(value, ascii_only=self._text.isascii())
            if name in spans:
                yield *spans[name], text
            else:
                added.append(f"{json.dumps(name)}: {text}")
        if added:
            end = max((last for _, last in spans.values()), default=start + 1)
            yield end, end, ("" if not spans else ", ") + ", ".join(added)
