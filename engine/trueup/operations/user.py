"""Who uses trueup, for the history."""

import os

from trueup import operating_system


def current_user() -> str:
    """Returns who applies or edits: TRUEUP_WHO if it is set, else the user of this process."""
    return os.environ.get("TRUEUP_WHO") or operating_system.user_name()
