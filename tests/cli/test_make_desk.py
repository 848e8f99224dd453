"""`make desk`: the demo with the desk open, and nothing left of it afterwards."""

import os
import signal
import subprocess
import sys
from http import HTTPStatus
from urllib.parse import urlsplit

from tests.chaos.serving import free_port
from tests.support.browser import Browser, address_in
from tests.support.paths import ROOT


def test_it_serves_the_demo_until_it_is_requested_to_stop(tmp_path):
    port = free_port()
    command = [sys.executable, str(ROOT / "tests" / "desk.py"), "--port", str(port)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            login = address_in(process.stdout.readline())
            assert urlsplit(login).port == port
            first = Browser(login).open()
            assert first.status == HTTPStatus.OK
            assert first.text.startswith("Products ")
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0
        finally:
            process.kill()

    assert [*tmp_path.iterdir()] == []
