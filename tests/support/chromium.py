"""Debian's Chromium, driven by Playwright: where it is, and how it starts on a closed network."""

import os
import shutil
from contextlib import contextmanager

VARIABLE = "TRUEUP_TEST_BROWSER"
"""`required`: tests fail where there is none; a path: that browser; not set: any that is there."""

REQUIRED = "required"
NAMES = ("chromium", "chromium-browser", "google-chrome")

# A browser asks its maker for updates, lists and experiments by itself. Where there is no way out,
# these connections hang, and pages wait behind them.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-lcd-text",
)
PATIENCE = 120_000  # milliseconds for anything to happen: a busy machine takes its time

NO_BROWSER = (
    f"no browser on this machine: `apt-get install chromium`, or {VARIABLE}=/path/to/chromium"
)


def find_chromium():
    """The path of the browser; None where there is none."""
    named = os.environ.get(VARIABLE, "")
    if named not in ("", REQUIRED):
        return named
    return next(filter(None, map(shutil.which, NAMES)), None)


def is_required():
    """Must a machine without a browser fail?"""
    return os.environ.get(VARIABLE) == REQUIRED


@contextmanager
def chromium(path):
    """A browser without a window, with a new profile of its own."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 -- most tests need none

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS], timeout=PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()
