r"""Makes text from data safe for a terminal, and measures its width.

Characters that could move the cursor, change colours, reverse the order of letters or hide
themselves are escaped (`\x1b`, `\u202e`), so that a name shows what it is and a line stays one
line.
"""

import re
import unicodedata
from functools import lru_cache

ELLIPSIS = "…"
LONGEST = 500
"""Characters of one text that are shown at most, whatever its column allows."""

_JOINERS = (
    "\u200c\u200d"  # names in Persian and Indic scripts need them; they neither reorder nor hide
)
_MARKS_IN_A_ROW = 4
_LOOKED_AT = 10
"""Times the characters that are shown, how many of a text are looked at: it may have millions."""

_SPACES = re.compile(r"[ \t\r\n]+")
_ORDINARY = re.compile(r"[ -~]*")
_WRITTEN_OUT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def sanitize(text: object, longest: int = LONGEST) -> str:
    """Returns the text on one line, without control sequences, and shortened."""
    whole = str(text)
    if len(whole) <= _LOOKED_AT * longest:
        return exact(_one_line(whole), longest)
    line = _one_line(whole.lstrip()[: _LOOKED_AT * longest])
    return exact(line[: longest - 1] + ELLIPSIS, longest)


def _one_line(text: str) -> str:
    return _SPACES.sub(" ", text).strip(" ")


def exact(line: str, longest: int = LONGEST) -> str:
    """Returns the same with every space as it is; tabs and line breaks are escaped."""
    if len(line) > longest:
        line = line[: longest - 1] + ELLIPSIS
    if _ORDINARY.fullmatch(line):
        return line
    shown: list[str] = []
    marks = 0
    for character in line:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MARKS_IN_A_ROW:
            shown.append(_written_out(character))
    return "".join(shown)


def exact_lines(text: str) -> str:
    """Returns the same of each line, as long as it is."""
    return "\n".join(exact(line, len(line)) for line in text.split("\n"))


def _written_out(character: str) -> str:
    if unicodedata.category(character) not in _WRITTEN_OUT or character in _JOINERS:
        return character
    number = ord(character)
    if number <= 0xFF:  # noqa: PLR2004 -- the last number that two digits hold
        return f"\\x{number:02x}"
    return f"\\u{number:04x}"


def width(text: str) -> int:
    """Returns the columns of the text: two for wide letters, none for combining marks."""
    if text.isascii():
        return len(text)
    return _width(text) if len(text) <= LONGEST else sum(map(_columns, text))


@lru_cache(maxsize=65_536)
def _width(text: str) -> int:
    """The same, kept; longer texts are not, of which this many would take gigabytes."""
    return sum(map(_columns, text))


@lru_cache(maxsize=4_096)
def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def clip(text: str, columns: int) -> str:
    """Returns the text, shortened to that many columns with an ellipsis."""
    if width(text) <= columns:
        return text
    kept: list[str] = []
    left = columns - 1
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + ELLIPSIS
