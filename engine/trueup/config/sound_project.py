"""Checks a project whose files were found sound before, without loading it."""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from trueup.config.checks.options import check_options
from trueup.config.error_limit import in_order_of_files
from trueup.config.project import parse_project
from trueup.config.project_files import read_project_file
from trueup.config.schema import Schemas
from trueup.config.sound_files import files_of_project
from trueup.model.finding import Finding
from trueup.model.gc_pause import gc_paused
from trueup.model.suggestions import few_searches


class SoundProject(Struct, frozen=True):
    """How many mappings and rules the files state, and what the environment lacks."""

    mappings: int
    rules: int
    findings: list[Finding]
    connector: str
    """The connector of its source."""


def check_sound_project(
    root: Path, *, env: Mapping[str, str] = os.environ, shipped: Path
) -> SoundProject | None:
    """Returns what a check of the project would find; None if its files must be checked.

    Only trueup.yaml is read: it alone refers to the environment.
    """
    sound = files_of_project(root, shipped, None)
    counts = sound.counts
    if counts is None:
        return None
    with few_searches(), gc_paused():
        project = read_project_file(root, Schemas(shipped, is_sound=True)).project
        if project is None or not sound.are_unchanged():
            return None  # it has changed meanwhile
        options = parse_project(project, env)
        findings = in_order_of_files(check_options(project, options))
    connector = options.source.connector
    return SoundProject(counts["mappings"], counts["rules"], findings, connector)
