"""The answers for a new project, and the files that were written."""

from enum import StrEnum

from msgspec import Struct

OWNER = "owner@example.com"
"""Stands in trueup.yaml until the user names the owner of new companies."""


class Start(StrEnum):
    """The kinds of new projects."""

    DEMO = "demo"  # example data on both sides
    FILES = "files"  # exports of the source; a sandbox in place of the target
    DATAVERSE = "dataverse"  # both systems
    AUTOTASK = "autotask"  # exports of the source, and the target
    FLEET = "fleet"  # three tenants with example data on both sides


class NewProject(Struct, frozen=True):
    """The answers for a new project. Texts are checked as those of any trueup.yaml."""

    start: Start  # neither the demo nor a fleet
    name: str
    time_zone: str
    currency: str  # code of ISO 4217
    owner: str = OWNER  # e-mail of the resource that owns new companies


class Created(Struct, frozen=True):
    """The files that were written."""

    paths: tuple[str, ...]
    kept: tuple[str, ...] = ()  # existing files that were left as they are
    steps: tuple[str, ...] = ()  # what to do first, as sentences
    commands: tuple[str, ...] = ()  # then: arguments of `trueup`
