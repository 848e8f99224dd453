"""Who uses trueup, for the history."""

import os
from contextvars import ContextVar

from trueup import operating_system

_ACTING: ContextVar[str] = ContextVar("acting", default="")


def current_user() -> str:
    """Returns who applies, decides or edits.

    That is the person for whom a request is answered; else TRUEUP_WHO, on one line, if anything
    can be seen of it; else the user of this process.
    """
    named = " ".join(os.environ.get("TRUEUP_WHO", "").split())
    return _ACTING.get() or named or operating_system.user_name()


def act_as(person: str) -> None:
    """Sets the user of this context (one request of a server)."""
    _ACTING.set(person)
