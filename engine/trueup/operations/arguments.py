"""Checks of the arguments that the functions of the Python API have in common."""

import os
from pathlib import Path

from trueup.errors import EngineError
from trueup.model.arguments import require, require_text, shown
from trueup.model.project import Project
from trueup.operations.listener import SILENT, Listener
from trueup.pipeline import PlanOptions


def require_common(
    project: Project, listener: Listener = SILENT, options: PlanOptions | None = None
) -> None:
    """Raises EngineError for an argument of another type: Python callers may pass anything."""
    require("project", project, Project)
    require("listener", listener, Listener)
    if options is not None:
        require("options", options, PlanOptions)


def path_text(name: str, value: Path | str) -> str:
    """Returns a path as text. Raises EngineError for what can name no file or folder.

    An empty text would name the working folder. What does not exist has a name all the same.
    """
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise EngineError(f"{name} is {shown(text)}: give a text or a path")
    try:
        os.lstat(text)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except ValueError as error:  # a zero byte, or half of a character
        raise EngineError(f"{name} is {shown(text)}: no file system has such a name") from error
    except OSError as error:
        raise EngineError(f"{name} is {shown(text)}: {error.strerror}") from error
    require_text(name, text)  # last: a zero byte is invisible, but not empty
    return text
