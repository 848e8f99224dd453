"""Values in messages, cleaned and shortened, and keys in one spelling."""

import json
import re
from datetime import date

from trueup.model.clean_text import clean_text, one_line

LONGEST_SHOWN = 40
"""Characters of a value that a message shows."""

_LOOKED_AT = 25 * LONGEST_SHOWN
"""Characters of a value that are cleaned for a message: the others cannot be shown."""

_GUID = re.compile(r"\{?([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})\}?")


def on_one_line(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Returns what stands in a file or an answer for a message: cleaned, on one line, shortened."""
    return one_line(clean_text(text), longest)


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
