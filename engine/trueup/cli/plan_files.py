"""Reads saved plans."""

import codecs
from pathlib import Path
from typing import TYPE_CHECKING

from trueup.errors import EngineError
from trueup.local_files import read_regular

if TYPE_CHECKING:
    from trueup.model.plan import Plan


def load_plan(file: Path) -> "Plan":
    """Returns the plan in a file. Raises EngineError if it is none."""
    from trueup.model import document

    text = read_text(file)
    try:
        return document.loads_complete(text)
    except EngineError as error:
        raise EngineError(f"{file}: {error}") from error


def plan_document(file: Path) -> str:
    """Returns the text of an unaltered plan. Raises EngineError for anything else."""
    from trueup.model import document

    text = read_text(file)
    try:
        document.verify(text)
    except EngineError as error:
        raise EngineError(f"{file}: {error}") from error
    return text


def read_text(file: Path) -> str:
    """Returns a text file in UTF-8, with or without BOM. Raises EngineError or OSError."""
    content = read_regular(file)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = f"{file} is no text in UTF-8"
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text += " but in UTF-16, as PowerShell's `>` writes it; use --out FILE instead of `>`"
        raise EngineError(text) from error
