"""JSON walked row by row: `{"value": [{…}, …]}` or the bare list in; rows, and where they stand, out.

Numbers with a point become `Decimal`. Two things the whole-document parser cannot do are needed: where
in the text each row stands, and one row at a time.
"""

import json
import re
from collections.abc import Generator
from decimal import Decimal, InvalidOperation

Found = tuple[int, int, object]
"""First letter, the letter after the last, and the value, which should be an object."""

BROKEN = (json.JSONDecodeError, RecursionError, InvalidOperation, ValueError)
"""What walking a text raises that is no JSON, or too deep, or holds a number that is too long."""


class Twice(ValueError):
    """An object has a key twice."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object from its pairs. Raises Twice: of two values with one name, nobody knows which one counts."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    names = [name for name, _ in pairs]
    raise Twice(next(name for name in names if names.count(name) > 1))


DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=str)
STRICT = json.JSONDecoder(parse_float=Decimal, parse_constant=str, object_pairs_hook=_once)
"""For files, which people edit; it costs less than a tenth of what reading one takes."""

_BLANK = re.compile(r"[ \t\r\n]*")


class JsonRows:
    """A text to walk; once `rows` is at its end, `rest` holds what stands beside `value`."""

    def __init__(self, text: str, decoder: json.JSONDecoder = DECODER) -> None:
        self.text, self._decoder = text, decoder
        self.rest: dict[str, object] = {}

    def rows(self) -> Generator[Found, None, None]:
        """Row by row. Raises BROKEN."""
        at = self._skip(0)
        if self.text[at : at + 1] == "[":
            at = yield from self._elements(at)
        elif self.text[at : at + 1] == "{":
            at = yield from self._envelope(at)
        else:
            raise json.JSONDecodeError("a list of rows, or an object with `value`, was expected", self.text, at)
        if self._skip(at) != len(self.text):
            raise json.JSONDecodeError("nothing more was expected", self.text, self._skip(at))

    def _envelope(self, at: int) -> Generator[Found, None, int]:
        at, held = self._skip(at + 1), False
        while self.text[at : at + 1] != "}":
            start = at
            key, at = self._key(at)
            if key in self.rest or (key == "value" and held):
                raise json.JSONDecodeError(f"`{key}` is there twice; keep the one that counts", self.text, start)
            if key == "value" and self.text[at : at + 1] == "[":
                held = True
                at = yield from self._elements(at)
            else:
                self.rest[key], at = self._value(at)
            at = self._after(at, "}")
        if not held:
            raise json.JSONDecodeError("an object with a list under `value` was expected", self.text, at)
        return at + 1

    def _elements(self, at: int) -> Generator[Found, None, int]:
        at = self._skip(at + 1)
        while self.text[at : at + 1] != "]":
            row, end = self._value(at)
            yield at, end, row
            # Most rows follow each other without a blank between them.
            at = end + 1 if self.text.startswith(",{", end) else self._after(end, "]")
        return at + 1

    def spans(self, start: int) -> dict[str, tuple[int, int]]:
        """Where the values of the object that starts there stand; of two equal keys the last counts."""
        spans, at = {}, self._skip(start + 1)
        while self.text[at] != "}":
            key, first = self._key(at)
            spans[key] = first, self._value(first)[1]
            at = self._after(spans[key][1], "}")
        return spans

    def _key(self, at: int) -> tuple[str, int]:
        """The key that stands there, and where its value begins."""
        key, end = self._value(at)
        colon = self._skip(end)
        if not isinstance(key, str) or self.text[colon : colon + 1] != ":":
            raise json.JSONDecodeError("a name in quotes and a colon were expected", self.text, at)
        return key, self._skip(colon + 1)

    def _value(self, at: int) -> tuple[object, int]:
        try:
            value, end = self._decoder.raw_decode(self.text, at)
        except Twice as error:
            said = f"`{error}` is there twice in one row; keep the one that counts"
            raise json.JSONDecodeError(said, self.text, self._second(str(error), at)) from None
        return value, end

    def _second(self, key: str, at: int) -> int:
        """Where that key stands for the second time, as far as it is written without escapes; else the row."""
        found = [one.start() for one in re.finditer(rf'"{re.escape(key)}"\s*:', self.text[at:])]
        return at + found[1] if len(found) > 1 else at

    def _after(self, at: int, close: str) -> int:
        """The next item, or the closing bracket."""
        at = self._skip(at)
        if self.text[at : at + 1] == ",":
            at = self._skip(at + 1)
            if self.text[at : at + 1] != close:
                return at
        elif self.text[at : at + 1] == close:
            return at
        raise json.JSONDecodeError(f"a comma or `{close}` was expected", self.text, at)

    def _skip(self, at: int) -> int:
        blank = _BLANK.match(self.text, at)
        return blank.end() if blank else at


def json_text(value: object, *, ascii_only: bool) -> str:
    """A scalar as JSON writes it; decimals digit by digit."""
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=ascii_only)
