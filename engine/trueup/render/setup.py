"""Renders the settings of a project, and edits of them, for a terminal."""

from trueup.model.setup import ProjectEdit, Setting, SettingKind, Setup
from trueup.render.formatting import every
from trueup.render.json_ import as_json
from trueup.render.layout import Cell, Line, free
from trueup.render.sanitize import exact, sanitize
from trueup.render.style import PLAIN, Style
from trueup.render.text import page


def setup_text(setup: Setup, style: Style = PLAIN) -> str:
    """Returns each setting with its value, and its choices if they were read."""
    lines = []
    for one in (*setup.connection, *setup.settings):
        value = Cell(value_text(one)), Cell(sanitize(one.locked or one.note), style.dim)
        lines.append(Line((Cell(sanitize(one.name)), *value), "setting"))
        if one.choices:
            lines.append(free(f"one of {every(one.choices)}", style.dim, 4))
    return page([lines], style.columns)


def value_text(one: Setting) -> str:
    """Returns the value on one line; of a secret, where it is."""
    if one.kind is SettingKind.LIST:
        return ", ".join(f"{sanitize(key)}: {sanitize(v)}" for key, v in one.entries.items()) or "–"
    if one.kind is SettingKind.SECRET and one.value:
        return f"env.{sanitize(one.value)}"
    return sanitize(one.value) or "–"


def edit_text(edit: ProjectEdit) -> str:
    """Returns an edit as `diff -u` writes it, and the warnings of `trueup validate` about it."""
    lines = [exact(line) for line in edit.difference]
    lines += [f"warning: {sanitize(warning)}" for warning in edit.warnings]
    return "".join(f"{line}\n" for line in lines)


def setup_json(setup: Setup) -> str:
    """`{"settings": […], "unread": …}`."""
    return as_json(
        {
            "settings": [
                {
                    "name": one.name,
                    "value": dict(one.entries) if one.kind is SettingKind.LIST else one.value,
                    "choices": [*one.choices],
                    "locked": one.locked,
                    "note": one.note,
                }
                for one in (*setup.connection, *setup.settings)
            ],
            "unread": setup.unread,
        }
    )
