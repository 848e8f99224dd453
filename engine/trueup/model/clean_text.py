"""Cleans text of other systems, and puts it on one line."""

import re

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


def one_line(text: str, longest: int) -> str:
    """Returns the text on one line, and of a longer one its first characters and an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[:longest] + "…"


def clean_text(text: str) -> str:
    """Returns the text without terminal escapes, control and invisible characters.

    Lone surrogates go, too; newlines and tabs stay.
    """
    text = _CONTROLS.sub("", _ESCAPES.sub("", unify_line_ends(text)))
    return text if text.isascii() else _INVISIBLE.sub("", text)
