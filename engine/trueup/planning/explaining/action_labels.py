"""What a plan calls its numbers of changes."""

from collections.abc import Mapping

from trueup.model.catalogue import SystemNames
from trueup.model.change import Action


def action_labels(names: SystemNames) -> Mapping[Action, str]:
    """What stands behind the number of changes of each kind, in the first line of a plan."""
    return {
        Action.LINK: "to link",
        Action.CREATE: "to add",
        Action.UPDATE: "to change",
        Action.DEACTIVATE: "to switch off",
        Action.ADJUST: "to adjust",
        Action.WRITE_BACK: f"to mark in {names.source}",
    }
