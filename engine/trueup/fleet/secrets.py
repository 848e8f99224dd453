"""Reads secrets from where fleet.yaml says that they are kept.

No message holds a value, nor what a program writes to its error output, which may hold a secret.
"""

import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from subprocess import TimeoutExpired
from threading import Thread
from time import monotonic
from typing import IO, TYPE_CHECKING, assert_never

from trueup import operating_system
from trueup.errors import ConfigError
from trueup.local_files import read_regular
from trueup.model.finding import Finding, Severity
from trueup.model.fleet import (
    CommandSecret,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    SecretReference,
)
from trueup.operations.redaction import remember

if TYPE_CHECKING:
    from subprocess import Popen

INSTALL = "pip install 'trueup[fleet]'"

LARGEST = 64 * 1024
"""The largest size of a secret in bytes."""

CODE = "secret"


def resolve(reference: SecretReference, env: Mapping[str, str] = os.environ) -> str:
    """Returns the secret; from now on it is hidden in all texts of this process.

    Raises ConfigError, with the reference's place, if it cannot be read.
    """
    secret = _resolved(reference, env)
    remember(secret)
    return secret


def _resolved(reference: SecretReference, env: Mapping[str, str]) -> str:
    if missing := why_missing(reference, env):
        raise _refused(reference, *missing)
    match reference:
        case EnvironmentSecret():
            return env[reference.variable]
        case FileSecret():
            content = _file_content(reference)
        case KeyringSecret():
            return _from_keyring(reference)
        case CommandSecret():
            content = _output(reference, env)
        case _:
            assert_never(reference)
    return _text(content, reference)


def why_missing(reference: SecretReference, env: Mapping[str, str]) -> tuple[str, str] | None:
    """Returns why a secret cannot be read here, and a remedy; None if it may exist.

    Nothing is read, and no program is started.
    """
    match reference:
        case EnvironmentSecret(variable=variable):
            text = f"the environment variable {variable} is not set"
            return None if env.get(variable) else (text, f"export {variable}=…")
        case FileSecret(path=path):
            return (
                None if path.is_file() else (f"there is no file {path}", "write the secret to it")
            )
        case KeyringSecret():
            is_installed = find_spec("keyring") is not None
            return None if is_installed else ("a keyring needs an extra of trueup", INSTALL)
        case CommandSecret(program=program):
            remedy = "install it, or write its path"
            return None if _found(reference, env) else (f"there is no program {program}", remedy)
        case _:
            assert_never(reference)


def is_open_to_all(reference: SecretReference) -> bool:
    """Returns whether every user of this machine may read the secret."""
    try:
        return isinstance(reference, FileSecret) and operating_system.is_open_to_all(reference.path)
    except OSError:
        return False


def _found(reference: CommandSecret, env: Mapping[str, str]) -> bool:
    program = reference.program
    if Path(program).name != program:  # a path relative to the current folder
        return (reference.folder / program).is_file()
    return shutil.which(program, path=env.get("PATH")) is not None


def _file_content(reference: FileSecret) -> bytes:
    try:
        return read_regular(reference.path)
    except OSError as error:
        text = f"the file {reference.path} cannot be read: {error.strerror}"
        raise _refused(reference, text) from error


def _from_keyring(reference: KeyringSecret) -> str:
    import keyring  # noqa: PLC0415 -- an extra

    try:
        value = keyring.get_password(reference.service, reference.user)
    except Exception as error:  # noqa: BLE001 -- each system's keyring raises its own
        text = f"the keyring cannot be read: {type(error).__name__}"
        raise _refused(reference, text, "unlock it, or keep the secret elsewhere") from None
    if not value:
        remedy = f"keyring set {reference.service} {reference.user}"
        raise _refused(reference, f"the keyring has no entry of {reference.user}", remedy)
    return str(value)


def _output(reference: CommandSecret, env: Mapping[str, str]) -> bytes:
    """Returns what the program prints; kills it with its children if it takes too long."""
    program, seconds = reference.program, reference.timeout.total_seconds()
    try:
        process = operating_system.start_with_children(reference.arguments, reference.folder, env)
    except OSError as error:
        text = f"{program} cannot be started: {error.strerror}"
        raise _refused(reference, text) from None
    try:
        content, code = _ended(process, seconds)
    except BaseException as error:  # an interrupt too: the program must not continue
        operating_system.kill_with_children(process)
        if not isinstance(error, TimeoutError | TimeoutExpired):
            raise
        remedy = "run it manually to see what it waits for, or set a longer `timeout`"
        raise _refused(
            reference, f"{program} was ended after {seconds:g} seconds", remedy
        ) from None
    if code:
        remedy = "run it manually: its output is not shown here, because it may hold the secret"
        raise _refused(reference, f"{program} ended with exit code {code}", remedy)
    return content


def _ended(process: "Popen[bytes]", seconds: float) -> tuple[bytes, int]:
    """Returns what a program prints, and its exit code.

    Raises TimeoutError or TimeoutExpired if that takes longer than `seconds`. Of an output that is
    too large, only a part is read.
    """
    deadline, output = monotonic() + seconds, list[bytes]()
    reader = Thread(target=_read, args=(process.stdout, output), daemon=True)
    reader.start()
    reader.join(seconds)
    if reader.is_alive():
        raise TimeoutError
    if len(output[0]) > LARGEST:
        operating_system.kill_with_children(process)
        return output[0], 0
    return output[0], process.wait(max(0.0, deadline - monotonic()))


def _read(stream: IO[bytes], output: list[bytes]) -> None:
    with stream:
        output.append(stream.read(LARGEST + 1))


def _text(content: bytes, reference: SecretReference) -> str:
    """Returns the secret, without one line end at its end."""
    if len(content) > LARGEST:
        raise _refused(reference, f"the secret is larger than {LARGEST // 1024} KiB")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _refused(reference, "the secret is not UTF-8 text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise _refused(reference, "the secret is empty")
    return text


def _refused(reference: SecretReference, text: str, remedy: str = "") -> ConfigError:
    return ConfigError([Finding(CODE, Severity.ERROR, text, remedy, reference.place)])
