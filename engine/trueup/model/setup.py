"""The settings of trueup.yaml as a form shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

Steps = tuple[str, ...]
"""The keys that lead to a value in trueup.yaml."""


class SettingKind(StrEnum):
    """The kind of a setting's value."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"  # true or false
    ADDRESS = "address"  # text that says where a system is
    SECRET = "secret"  # noqa: S105 -- the name of a variable of the environment, never a value
    LIST = "list"  # the source's words, each with the target's


class Setting(Struct, frozen=True):
    """One setting, or one entry of a list of settings."""

    steps: Steps
    label: str
    kind: SettingKind
    value: str = ""  # as the file has it; of a secret, the name of its variable
    choices: Sequence[str] = ()  # what the target has now; empty if any text may stand
    entries: Mapping[str, str] = {}  # of a list
    locked: str = ""  # why it cannot be changed now
    note: str = ""

    @property
    def name(self) -> str:
        """The name of the setting: `settings.billing_codes.products`."""
        return ".".join(self.steps)


class Setup(Struct, frozen=True):
    """All settings of a project's file, as it was read."""

    connection: Sequence[Setting]
    settings: Sequence[Setting]
    version: str  # of the file: an edit is refused where it is another one by then
    unread: str = ""  # why the choices could not be read


@dataclass(frozen=True, slots=True)
class ProjectEdit:
    """New content of trueup.yaml, checked and not yet written."""

    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    changed: Sequence[str]  # names of settings
    difference: Sequence[str]  # lines as `diff -u` writes them, without secrets
    warnings: Sequence[str] = ()
