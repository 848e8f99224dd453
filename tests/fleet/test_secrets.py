"""Secrets are read where fleet.yaml says that they are kept, and never shown."""

import os
import socket
import sys
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
from trueup.errors import ConfigError
from trueup.fleet import secrets
from trueup.fleet.secrets import LARGEST, is_open_to_all, resolve, why_missing
from trueup.model.finding import Place
from trueup.model.fleet import CommandSecret, EnvironmentSecret, FileSecret, KeyringSecret

PLACE = Place("fleet.yaml", 9, 7)
VALUE = "hunter2-äö"
ENTRY = KeyringSecret("trueup", "acme", PLACE)


def printing(folder, code, seconds=20.0):
    """A command that runs Python code."""
    arguments = (sys.executable, "-c", code)
    return CommandSecret(sys.executable, arguments, folder, timedelta(seconds=seconds), PLACE)


def refused(reference, env=os.environ):
    with pytest.raises(ConfigError) as caught:
        resolve(reference, env)
    text = str(caught.value)
    assert text.startswith("fleet.yaml:9:7: ")
    assert VALUE not in text
    return text.removeprefix("fleet.yaml:9:7: ").splitlines()[0]


def test_a_variable_of_the_environment_is_read():
    assert resolve(EnvironmentSecret("ACME", PLACE), {"ACME": VALUE}) == VALUE


@pytest.mark.parametrize("env", [{}, {"ACME": ""}])
def test_a_variable_that_is_not_set_is_named(env):
    text = refused(EnvironmentSecret("ACME", PLACE), env)

    assert text == "the environment variable ACME is not set"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a", "a"),
        ("a\n", "a"),
        ("a\r\n", "a"),
        ("a\n\n", "a\n"),
        (" a \n", " a "),
        ("a\nb\n", "a\nb"),
    ],
)
def test_one_line_end_at_the_end_of_a_file_does_not_count(tmp_path, content, value):
    file = tmp_path / "secret"
    file.write_bytes(content.encode())

    assert resolve(FileSecret(file, PLACE)) == value


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "the secret is empty"),
        (b"\n", "the secret is empty"),
        (b"\xff", "the secret is not UTF-8 text"),
        (b"a" * (LARGEST + 1), "the secret is larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path, content, fault):
    file = tmp_path / "secret"
    file.write_bytes(content)

    assert refused(FileSecret(file, PLACE)) == fault


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert refused(FileSecret(tmp_path / "none", PLACE)) == f"there is no file {tmp_path}/none"
    assert refused(FileSecret(tmp_path, PLACE)) == f"there is no file {tmp_path}"


@pytest.mark.skipif(os.name == "nt", reason="files have no modes there")
def test_a_file_that_all_may_read_is_noticed(tmp_path):
    file = tmp_path / "secret"
    file.write_text(VALUE, encoding="utf-8")

    file.chmod(0o640)
    assert not is_open_to_all(FileSecret(file, PLACE))
    file.chmod(0o644)
    assert is_open_to_all(FileSecret(file, PLACE))
    assert not is_open_to_all(FileSecret(tmp_path / "none", PLACE))


def keyring_with(monkeypatch, get_password):
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))
    monkeypatch.setattr(secrets, "find_spec", lambda _: object())


def test_an_entry_of_the_keyring_is_read(monkeypatch):
    keyring_with(monkeypatch, lambda service, user: f"{service}+{user}")

    assert resolve(ENTRY) == "trueup+acme"


def test_an_entry_that_is_not_there_is_named(monkeypatch):
    keyring_with(monkeypatch, lambda _service, _user: None)

    assert refused(ENTRY) == "the keyring has no entry of acme"


def test_a_keyring_that_cannot_be_read_is_reported_without_its_words(monkeypatch):
    def locked(_service, _user):
        raise RuntimeError(VALUE)

    keyring_with(monkeypatch, locked)

    assert refused(ENTRY) == "the keyring cannot be read: RuntimeError"


def test_without_the_extra_a_keyring_names_what_to_install(monkeypatch):
    monkeypatch.setattr(secrets, "find_spec", lambda _: None)

    assert refused(ENTRY) == "a keyring needs an extra of trueup"
    assert why_missing(ENTRY, {}) == (
        "a keyring needs an extra of trueup",
        "pip install 'trueup[fleet]'",
    )


def test_a_command_prints_the_secret_in_the_folder_with_the_environment(tmp_path):
    code = "import os; print(os.getcwd(), os.environ['ACME'])"
    env = {**os.environ, "ACME": VALUE, "PYTHONIOENCODING": "utf-8"}

    assert resolve(printing(tmp_path, code), env) == f"{tmp_path.resolve()} {VALUE}"


def test_no_shell_reads_the_arguments(tmp_path):
    arguments = (sys.executable, "-c", "import sys; print(sys.argv[1])", "$(echo no) ; `no` *")
    reference = CommandSecret(arguments[0], arguments, tmp_path, timedelta(seconds=20), PLACE)

    assert resolve(reference) == "$(echo no) ; `no` *"


def test_a_command_that_fails_is_named_with_its_exit_code_and_none_of_its_words(tmp_path):
    code = f"import sys; print({VALUE!r}); print({VALUE!r}, file=sys.stderr); sys.exit(3)"

    assert refused(printing(tmp_path, code)) == f"{sys.executable} ended with exit code 3"


def test_a_command_that_is_not_there_is_named(tmp_path):
    nothing = CommandSecret("no-such", ("no-such", VALUE), tmp_path, timedelta(seconds=1), PLACE)
    path = CommandSecret("./no", ("./no", VALUE), tmp_path, timedelta(seconds=1), PLACE)

    assert refused(nothing) == "there is no program no-such"
    assert refused(path) == "there is no program ./no"


def test_a_command_that_cannot_be_started_is_named(tmp_path):
    (tmp_path / "five").write_text("not executable", encoding="utf-8")
    reference = CommandSecret("./five", ("./five",), tmp_path, timedelta(seconds=1), PLACE)

    assert refused(reference) == "./five cannot be started: Permission denied"


def test_a_command_that_prints_without_end_is_ended(tmp_path):
    code = f"while True: print({VALUE!r} * 1000)"

    assert refused(printing(tmp_path, code)) == "the secret is larger than 64 KiB"


WAITING = """
import socket, subprocess, sys, time
connection = socket.create_connection(("127.0.0.1", {port}))
subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=[connection.fileno()]
)
connection.sendall(b"started")
{then}
"""
"""The connection ends with the last of the two processes."""


@pytest.mark.skipif(os.name == "nt", reason="no connection can be handed on there")
@pytest.mark.parametrize("then", ["time.sleep(600)", "sys.exit(0)"])
def test_a_command_that_hangs_is_ended_with_its_children(tmp_path, then):
    """Also where it has ended itself, and a child of it keeps the output open."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = WAITING.format(port=server.getsockname()[1], then=then)
        for seconds in (1, 8, 32):  # a busy machine takes long to start a process
            text = refused(printing(tmp_path, code, seconds))
            server.settimeout(0.1)
            with suppress(TimeoutError):
                connection, _ = server.accept()
                break
        connection.settimeout(60)  # to fail, not to wait for ever
        with connection:
            received = b"".join(iter(lambda: connection.recv(100), b""))

    assert text == f"{sys.executable} was ended after {seconds} seconds"
    assert received == b"started"


def test_a_command_that_closes_its_output_and_goes_on_is_ended(tmp_path):
    code = "import os, time; os.write(1, b'secret'); os.close(1); time.sleep(600)"

    text = refused(printing(tmp_path, code, seconds=0.5))

    assert text == f"{sys.executable} was ended after 0.5 seconds"


def test_a_reference_shows_no_argument_of_its_command(tmp_path):
    assert "hunter2" not in repr(printing(tmp_path, "print('hunter2')"))


def test_what_may_be_there_is_not_missing(tmp_path):
    file = tmp_path / "secret"
    file.write_text(VALUE, encoding="utf-8")

    assert why_missing(FileSecret(file, PLACE), {}) is None
    assert why_missing(EnvironmentSecret("A", PLACE), {"A": "x"}) is None
    assert why_missing(printing(tmp_path, ""), {}) is None
