"""Fixtures and settings of all tests: number of examples, folders, data that is cached."""

import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.chromium import NO_BROWSER
from tests.support.in_process import sandboxes_in_process
from tests.support.loaded_once import (
    catalogues_read_once,
    files_parsed_once,
    projects_checked_once,
)

# Their assertions explain themselves as those of a test do.
pytest.register_assert_rewrite("tests.scenarios.expected", "tests.scenarios.world")

pytest_plugins = ["tests.support.postgres"]

IN_A_BROWSER = Path(__file__).with_name("browser")

WITHOUT_SOCKETS = {"cli", "docs", "examples", "operations", "planning", "review"}
"""Folders of tests that are about plans and commands, not about how requests are sent."""

MEMORY = Path("/dev/shm")  # noqa: S108 -- not used unless it is there; files get folders of their own in it
ROOM = 1 << 30  # bytes

POSIX_ONLY = [
    "browser",
    "chaos",
    "cli/test_make_desk.py",
    "cli/test_output.py",
    "cli/test_pipes.py",
    "cli/test_review.py",
    "cli/test_terminal.py",
    "cli/test_windows.py",
    "fleet/test_embedded.py",
    "fleet/test_worker.py",
    "package/test_habits.py",
    "state/sqlite/test_crash.py",
    "state/sqlite/test_file.py",
    "state/test_process.py",
    "test_operating_system.py",
]
"""Tests of terminals, signals, pipes and modes as POSIX has them."""

collect_ignore = POSIX_ONLY if os.name == "nt" else []

settings.register_profile("moderate", deadline=None, max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("TRUEUP_TEST_PROFILE", "moderate"))


def memory_serves():
    """Can whole environments be put there, and run from there?"""
    if not os.access(MEMORY, os.W_OK):
        return False
    return shutil.disk_usage(MEMORY).free > ROOM and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC


if (
    "TMPDIR" not in os.environ and memory_serves()
):  # state waits for the disk at every write; no test is about that
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None


# A container often forbids bytecode. Then each worker rewrites the assertions of all tests in each
# run, which takes longer than all else before the first test, and each process that a test starts
# compiles trueup anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


gc.disable()  # until all is collected: what is loaded until then stays

NEW_OBJECTS = 20_000
"""Before the next look for garbage. With Python's 700, looking took a fifteenth of all CPU."""


def pytest_collection_finish():
    """What is loaded now stays: the collector of garbage need not look at it again and again."""
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()


def pytest_collection_modifyitems(items):
    """Tests in a browser come first: workers begin with parts of the list, so one gets them all.

    Then one worker starts a browser, and the longest tests of all do not come last.
    """
    items.sort(key=lambda item: not item.path.is_relative_to(IN_A_BROWSER))


def pytest_terminal_summary(terminalreporter):
    """Says it where tests in a browser were left out: all else may be well without them."""
    skipped = terminalreporter.stats.get("skipped", ())
    if left_out := [one for one in skipped if one.nodeid.startswith("tests/browser/")]:
        text = f"NOT TESTED IN A BROWSER: {len(left_out)} tests of the review desk were left out"
        terminalreporter.write_sep("!", text, red=True, bold=True)
        terminalreporter.write_line(NO_BROWSER, red=True)


@pytest.fixture(scope="session", autouse=True)
def _loaded_once():
    with catalogues_read_once(), files_parsed_once(), projects_checked_once():
        yield


@pytest.fixture(scope="module", autouse=True)
def _without_sockets(request):
    """Not for the whole session: other folders' tests must find the network as it is."""
    if request.path.relative_to(Path(__file__).parent).parts[0] in WITHOUT_SOCKETS:
        with sandboxes_in_process():
            yield
    else:
        yield
