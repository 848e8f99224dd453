"""A desk that is killed while it applies, and the run that another desk brings to its end."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from threading import Event

import pytest
from trueup.cli.main import run
from trueup.operations.project import load_project
from trueup.wiring import open_state

from tests.chaos.final_state import differences, final_state
from tests.chaos.project import SETTLE_AFTER, autotask, build
from tests.support.browser import address_in
from tests.support.chromium import PATIENCE

HOLDS = {"kind": "latency", "verb": "POST|PATCH", "nth": 12, "times": 0, "when": "after",
         "path": "V1.0/(?!.*query)", "seconds": 3600}  # fmt: skip
"""The twelfth write takes effect, but nothing is heard of it; nor of those after it."""

SECONDS = 3  # that a request may take, and after which one without an answer is looked into


@pytest.fixture
def tenant(browser, tmp_path):
    """Autotask, as a process of its own."""
    server = autotask(tmp_path / "autotask.sqlite")
    server.start()
    server.snapshot()
    yield server
    server.kill()


@pytest.fixture
def work(tenant, tmp_path):
    """Four customers of the demo; a request may take its time on a busy machine."""
    folder = tmp_path / "work"
    build(folder, tenant.port)
    file = folder / "trueup.yaml"
    text = file.read_text(encoding="utf-8")
    for name in ("timeout", "settle_after"):
        text = text.replace(f"{name}: {SETTLE_AFTER}", f"{name}: {SECONDS}")
    file.write_text(text, encoding="utf-8")
    return folder


@contextlib.contextmanager
def desk_process(folder):
    """`trueup review` as a process; its log-in address, and its process id."""
    command = [sys.executable, "-m", "trueup", "review", "--json", "--project", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield address_in("".join(process.stdout.readline() for _ in range(3))), process
        finally:
            process.kill()


def wait_until_held(tenant):
    """Until a write has come to the fault."""
    for _ in range(PATIENCE // 50):
        [fault] = tenant.control("GET", "/sandbox/faults")["faults"]
        if fault["seen"] >= HOLDS["nth"]:
            return
        Event().wait(0.05)
    raise AssertionError("no write was held")


def final(folder, tenant):
    with open_state(load_project(folder)) as state:
        return final_state(folder, state.load(), tenant.control("GET", "/sandbox/dump"))


def test_a_killed_run_is_resumed_from_a_new_desk(work, tenant, serve, visit, tmp_path):
    undisturbed = shutil.copytree(work, tmp_path / "undisturbed")
    assert run(["apply", "--yes", "--project", str(undisturbed)]) == 0
    expected = final(undisturbed, tenant)
    tenant.restore()

    tenant.control("POST", "/sandbox/faults", HOLDS)
    with desk_process(work) as (login, process):
        page = visit(login)
        page.get_by_role("navigation", name="Tabs").get_by_role("link", name="Changes").click()
        page.get_by_role("button", name="Preview the whole plan").click()
        page.get_by_role("button", name="Apply ").click()
        page.get_by_role("button", name="Stop", exact=True).wait_for()
        wait_until_held(tenant)
        page.get_by_text(" changes. Last: ").wait_for()
        page.context.close()  # it would go on asking the desk that is gone
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    tenant.kill()  # what it holds back ends with it
    tenant.start()
    tenant.control("DELETE", "/sandbox/faults")

    page = visit(serve(work))
    assert page.get_by_text("is not finished").count()
    page.get_by_role("button", name="Resume the run").click()
    page.get_by_role("heading", name="Outcome", exact=True).wait_for()
    assert page.get_by_text("All is done.").count(), page.locator("main").inner_text()
    assert differences(expected, final(work, tenant)) == {}
