"""Text as data and text in messages: cleaned, shortened, and keys in one spelling."""

import json
import re
from datetime import date

LONGEST_SHOWN = 40
"""Characters of a value that a message shows."""

_LOOKED_AT = 25 * LONGEST_SHOWN
"""Characters of a value that are cleaned for a message: the others cannot be shown."""

_GUID = re.compile(r"\{?([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})\}?")
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
    "|(?<=[\u0020-\u024f])[\u200c\u200d]|[\u200c\u200d](?=[\u0020-\u024f])"
)
"""Characters without width; joiners only beside Latin letters, for other scripts need them."""


def unify_line_ends(text: str) -> str:
    r"""Returns the text with `\n` at the end of each line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def clean_text(text: str) -> str:
    """Returns the text without terminal escapes, control and invisible characters.

    Lone surrogates go, too; newlines and tabs stay.
    """
    text = _CONTROLS.sub("", _ESCAPES.sub("", unify_line_ends(text)))
    return text if text.isascii() else _INVISIBLE.sub("", text)


def on_one_line(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Returns what stands in a file or an answer for a message: cleaned, on one line, shortened."""
    line = " ".join(clean_text(text).split())
    return line if len(line) <= longest else line[:longest] + "…"


def canonical_key(text: str) -> str:
    """Returns a key in its one spelling: GUIDs in lower case and without braces."""
    key = text.strip()
    guid = _GUID.fullmatch(key)
    return guid[1].lower() if guid else clean_text(key)


def shown(value: object) -> str:
    """Returns a value for a message: on one line, without control characters, shortened."""
    written = _written(value)
    text = clean_text(written[:_LOOKED_AT]).replace("\n", " ")
    if len(text) > LONGEST_SHOWN or len(written) > _LOOKED_AT:
        text = text[:LONGEST_SHOWN] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def _written(value: object) -> str:
    """The value as a file would hold it (`true`, `{"a": 1}`, `1.5`), not as Python writes it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, default=_written)
    if isinstance(value, date):
        return value.isoformat()
    return "binary data" if isinstance(value, bytes | bytearray | memoryview) else str(value)
