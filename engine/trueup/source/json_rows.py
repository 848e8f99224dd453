"""Walks a JSON text row by row: `{"value": [{…}, …]}` or the bare list.

The whole-document parser cannot do what is needed here: give the position of each row in the text,
read one row at a time, and read a text whose end is not there yet. Numbers with a point become
`Decimal`.
"""

import json
import re
from collections.abc import Callable, Generator, Mapping
from decimal import Decimal, InvalidOperation

from trueup.source.text import on_one_line

PlacedRow = tuple[int, int, object]
"""The offset of the first character, the offset after the last, and the value."""

JSON_ERRORS = (json.JSONDecodeError, RecursionError, InvalidOperation, ValueError)
"""Raised for a text that is not JSON, is nested too deeply, or holds a number that is too long."""


class DuplicateJsonKey(ValueError):
    """An object has one key twice; the text is the key."""


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Builds an object. Raises `DuplicateJsonKey`: which of two values counts would be a guess."""
    built = dict(pairs)
    if len(built) == len(pairs):
        return built
    names = [name for name, _ in pairs]
    raise DuplicateJsonKey(next(name for name in names if names.count(name) > 1))


DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=str)
STRICT_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=str, object_pairs_hook=_without_duplicates
)
"""For files, which people edit. It adds less than a tenth to the time of reading a file."""

_LONGEST_MESSAGE = 200
"""Characters of a server's message that are shown."""

_EACH_LINE = "an object in each line was found; write them as one list, [{…}, {…}]"

DELETED = "/$deletedEntity"
"""The end of the context of an entry for a row that was deleted (work365.md, section 6.3)."""

_BLANK = re.compile(r"[ \t\r\n]*")


BLOCK = 1 << 16
"""Characters that are read at once."""

_LONGEST_TAIL = 3
"""Characters that may follow a number and still belong to it, as in `1.5e+7`."""


def is_deleted(entry: Mapping[str, object]) -> bool:
    """Returns whether an entry of an answer stands for a row that was deleted."""
    return "@odata.context" in entry and str(entry["@odata.context"]).endswith(DELETED)


def _nothing_more(characters: int) -> str:  # noqa: ARG001 -- as for a file
    return ""


class JsonRows:
    """A text to walk; when `rows` has ended, `rest` holds the other members of the envelope."""

    def __init__(
        self,
        text: str,
        decoder: json.JSONDecoder = DECODER,
        more: Callable[[int], str] = _nothing_more,
        block: int = BLOCK,
    ) -> None:
        """`more` returns so many characters that follow the text, and none at its end.

        It is called for `block` characters, or for as many as are there already: a long row is
        decoded anew each time. Rows that were yielded leave the text, so that it stays short.
        """
        self.text, self._decoder = text, decoder
        self._more, self._block = more, block
        self._left = 0  # characters that have left the text
        self.rest: dict[str, object] = {}

    def between(self, start: int, end: int) -> str:
        """Returns the text between two offsets, the first not before the row yielded last."""
        return self.text[start - self._left : end - self._left]

    def rows(self) -> Generator[PlacedRow, None, None]:
        """Yields row by row. Raises one of `JSON_ERRORS`."""
        at = self._skip_blank(0)
        if self.text[at : at + 1] == "[":
            at = yield from self._elements(at)
        elif self.text[at : at + 1] == "{":
            at = yield from self._envelope(at)
        else:
            raise json.JSONDecodeError(
                "a list of rows, or an object with `value`, was expected", self.text, at
            )
        end = self._skip_blank(at)
        if end != len(self.text):
            fault = (
                _EACH_LINE if self._is_before_object(end) else "the end of the text was expected"
            )
            raise json.JSONDecodeError(fault, self.text, end)

    def _envelope(self, at: int) -> Generator[PlacedRow, None, int]:
        """Walks an object: yields the rows under `value`, keeps its other members in `rest`."""
        at, has_rows = self._skip_blank(at + 1), False
        while self.text[at : at + 1] != "}":
            start = at
            key, at = self._key(at)
            if key in self.rest or (key == "value" and has_rows):
                raise json.JSONDecodeError(
                    f"`{on_one_line(key)}` occurs twice; keep one of them", self.text, start
                )
            if key == "value" and self.text[at : at + 1] == "[":
                has_rows = True
                at = yield from self._elements(at)
            else:
                self.rest[key], at = self._value(at)
            at = self._next_item(at, "}")
        if not has_rows:
            raise json.JSONDecodeError(self._without_rows(at), self.text, at)
        return at + 1

    def _without_rows(self, at: int) -> str:
        """Returns why the object that ends at that offset is no table."""
        if self._is_before_object(at + 1):
            return _EACH_LINE
        fault = self.rest.get("error")
        message = fault.get("message") if isinstance(fault, dict) else fault
        if isinstance(message, str) and (shown := on_one_line(message, _LONGEST_MESSAGE)):
            return f"the file is a refusal of the server ({shown})"
        return "an object with a list under `value` was expected"

    def _is_before_object(self, at: int) -> bool:
        """Returns whether the next object follows, after a comma or none."""
        at = self._skip_blank(at)
        if self.text[at : at + 1] == ",":
            at = self._skip_blank(at + 1)
        return self.text[at : at + 1] == "{"

    def _elements(self, at: int) -> Generator[PlacedRow, None, int]:
        at = self._skip_blank(at + 1)
        while self.text[at : at + 1] != "]":
            row, end = self._value(at)
            yield self._left + at, self._left + end, row
            if at > self._block and self._more is not _nothing_more:
                self.text, self._left = self.text[at:], self._left + at
                end -= at
            # Most rows follow each other without a blank between them.
            at = end + 1 if self.text.startswith(",{", end) else self._next_item(end, "]")
        return at + 1

    def row_at(self, start: int) -> tuple[object, int]:
        """Returns the row that begins there, and the offset after its last character.

        Raises one of `JSON_ERRORS`.
        """
        return self._value(start)

    def spans(self, start: int) -> dict[str, tuple[int, int]]:
        """Returns where the values of the object at that offset stand, by key.

        A span is the offset of the first character and the offset after the last one. Of two equal
        keys the last one counts.
        """
        spans, at = {}, self._skip_blank(start + 1)
        while self.text[at] != "}":
            key, first = self._key(at)
            end = self._value(first)[1]
            spans[key] = first, end
            at = self._next_item(end, "}")
        return spans

    def _key(self, at: int) -> tuple[str, int]:
        """The key at that offset, and the offset of its value."""
        key, end = self._value(at)
        colon = self._skip_blank(end)
        if not isinstance(key, str) or self.text[colon : colon + 1] != ":":
            raise json.JSONDecodeError("a name in quotes and a colon were expected", self.text, at)
        return key, self._skip_blank(colon + 1)

    def _value(self, at: int) -> tuple[object, int]:
        while True:
            try:
                value, end = self._decoder.raw_decode(self.text, at)
            except DuplicateJsonKey as error:
                text = f"`{on_one_line(str(error))}` occurs twice in one row; keep one of them"
                offset = self._second_occurrence(str(error), at)
                raise json.JSONDecodeError(text, self.text, offset) from None
            except ValueError:  # also of digits that are too many without the point that follows
                if not self._read_on():
                    raise
            else:
                is_number = isinstance(value, int | Decimal)
                if not is_number or end + _LONGEST_TAIL <= len(self.text) or not self._read_on():
                    return value, end

    def _read_on(self) -> bool:
        """Adds what follows the text; returns whether there is anything."""
        more = self._more(max(self._block, len(self.text)))
        self.text += more
        return bool(more)

    def _second_occurrence(self, key: str, at: int) -> int:
        """The offset of the key's second occurrence; that of the row if the key has escapes."""
        quoted = f'"{key}"'
        first = self._with_colon(quoted, at)
        second = self._with_colon(quoted, first + 1) if first >= 0 else -1
        return second if second >= 0 else at

    def _with_colon(self, quoted: str, at: int) -> int:
        """The offset from which on a text is followed by a colon, -1 where there is none."""
        while (at := self.text.find(quoted, at)) >= 0:
            if self.text.startswith(":", self._blank_end(at + len(quoted))):
                return at
            at += 1
        return at

    def _blank_end(self, at: int) -> int:
        blank = _BLANK.match(self.text, at)
        return blank.end() if blank else at

    def _next_item(self, at: int, close: str) -> int:
        """The offset of the next item, or of the closing bracket."""
        at = self._skip_blank(at)
        if self.text[at : at + 1] == ",":
            at = self._skip_blank(at + 1)
            if self.text[at : at + 1] != close:
                return at
        elif self.text[at : at + 1] == close:
            return at
        raise json.JSONDecodeError(f"a comma or `{close}` was expected", self.text, at)

    def _skip_blank(self, at: int) -> int:
        while True:
            at = self._blank_end(at)
            if at < len(self.text) or not self._read_on():
                return at


def json_text(value: object, *, ascii_only: bool) -> str:
    """Returns a scalar as JSON text; decimals are written digit by digit."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=ascii_only)
