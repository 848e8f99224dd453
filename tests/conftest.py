"""What all tests share: how many examples are tried, where files go, what is read and compiled once."""

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from engine.config import catalogues
from engine.expressions import compiled
from engine.expressions.program import Program

MEMORY = Path("/dev/shm")  # noqa: S108 -- not used unless it is there; files get folders of their own in it
ROOM = 1 << 30  # bytes

settings.register_profile("moderate", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("TRUEUP_TEST_PROFILE", "moderate"))


def memory_serves():
    """Can whole environments be put there, and run from there?"""
    if not os.access(MEMORY, os.W_OK):
        return False
    return shutil.disk_usage(MEMORY).free > ROOM and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC


if "TMPDIR" not in os.environ and memory_serves():  # state waits for the disk at every write; no test is about that
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None


def pytest_collection_finish():
    """What is loaded now stays: the collector of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def catalogues_read_once():
    """Catalogues of the same bytes are made once; reading one takes longer than most tests do."""
    load, known = catalogues._load, {}

    def once(path, root, make):
        try:
            said = root, path.read_bytes()
        except OSError:
            return load(path, root, make)
        if said not in known:
            known[said] = load(path, root, make)
        return dict(known[said])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogues, "_load", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def mappings_compiled_once():
    """Expressions of the same words are compiled once; most tests plan the same few mappings."""
    known = {}

    def once(raws, guard=None):
        said = repr((raws, guard))
        if said not in known:
            known[said] = Program(raws, guard)
        return known[said]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "Program", once)
        yield
