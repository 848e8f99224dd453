"""Copies seeded databases of the sandbox, because seeding takes longer than most tests."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from trueup.config.catalogues import load_entities
from trueup.sandbox.autotask.seed import seed

from tests.support.paths import SCHEMAS

ENTITIES = load_entities(SCHEMAS / "autotask.yaml")


@cache
def database(document: str) -> bytes:
    """The file of a sandbox that was seeded with this JSON."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "autotask.sqlite"
        seed(file, ENTITIES, json.loads(document))
        return file.read_bytes()
