"""`trueup review` as a process: it prints its address, serves, and ends when it is asked to."""

import signal
import socket
from http import HTTPStatus

import pytest
from trueup.cli.exit_codes import Exit

from tests.support.absent import make_absent
from tests.support.browser import Browser, address_in
from tests.support.forked import start


@pytest.fixture
def started(work):
    """Starts the command in the project; what is left of it is killed afterwards."""
    processes = []

    def command(*arguments):
        processes.append(start(work, "review", *arguments))
        return processes[-1]

    yield command
    for process, out, err in processes:
        process.kill()
        process.wait()
        out.close()
        err.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_serves_and_ends_on_request(started, number):
    process, out, err = started()
    browser = Browser(address_in(out.readline()))
    assert out.readline() == "Ctrl-C ends it.\n"
    first = browser.open()
    assert first.status == HTTPStatus.OK
    assert first.text.startswith("Products ")

    process.send_signal(number)
    assert process.wait() == Exit.DONE
    assert out.read() == ""
    assert err.read().strip() == (
        "stopping: no new writes; waiting for those that are in flight "
        "(Ctrl-C again to leave at once)"
    )
    with pytest.raises(ConnectionRefusedError):
        browser.send("GET", "/")


def test_programs_get_the_address_as_json(started):
    _, out, _ = started("--json", "--host", "localhost")
    lines = "".join(out.readline() for _ in range(3))

    assert address_in(lines).startswith("http://localhost:")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "desk.example"])  # noqa: S104 -- refused
def test_an_address_that_others_can_reach_is_refused_with_the_reason(trueup, host):
    code, out, err = trueup("review", "--host", host)

    assert (code, out) == (Exit.USAGE, "")
    assert f"--host {host}: other machines could reach the desk" in err


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--proxy", "10.0.0.5"), Exit.USAGE, "--proxy goes with --auth oidc."),
        (("--auth", "oidc"), Exit.ERROR, "--auth oidc needs `desk: {login: …}` in trueup.yaml"),
    ],
)
def test_what_the_desk_of_a_team_lacks_is_reported(trueup, arguments, code, text):
    found, out, err = trueup("review", *arguments)

    assert (found, out) == (code, "")
    assert text in err


def test_a_port_that_is_taken_is_reported(trueup):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, err = trueup("review", "--port", port)

    assert (code, out) == (Exit.ERROR, "")
    assert err.startswith(f"error: the desk cannot listen on 127.0.0.1:{port}: ")


def test_a_project_with_errors_is_not_served(work, trueup):
    (work / "mappings" / "customer.yaml").write_text("mapping: [", encoding="utf-8")
    code, out, err = trueup("review")

    assert (code, out) == (Exit.ERROR, "")
    assert "broken YAML" in err


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_the_command_names_what_to_install(trueup, monkeypatch, missing):
    make_absent(monkeypatch, missing, users="trueup.review")

    assert trueup("review") == (
        Exit.ERROR,
        "",
        "error: trueup review needs `pip install 'trueup[review]'`\n",
    )
