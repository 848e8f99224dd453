"""Which process holds the lease, and whether it is known to be dead.

A process number alone identifies nothing: it is reused, and it is valid only within one boot and
one process namespace. A process is therefore identified by host, number, start time and the boot
and namespace in which the number counts.

Fields of /proc/<pid>/stat are those of proc(5): state is the 3rd, start time the 22nd. Without
/proc (macOS) only the number is checked; on Windows nothing is known.
"""

import os
import socket
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from trueup import operating_system

_PROC = Path("/proc")


class Process(Struct, frozen=True):
    """One process, distinct from every other one."""

    host: str
    pid: int
    born: str = ""  # start time in clock ticks after boot; "" if unknown
    realm: str = ""  # boot and process namespace; "" if unknown


class Fate(StrEnum):
    """What is known of another process."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"  # on another host, or in another container


class Processes(Protocol):
    """The processes that hold and take the lock; tests have their own."""

    def mine(self) -> Process:
        """The process that takes the lock."""
        ...

    def fate(self, process: Process) -> Fate:
        """`DEAD` only if that is certain."""
        ...


class HostProcesses:
    """Processes of this host."""

    def mine(self) -> Process:
        """This process."""
        pid = os.getpid()
        return Process(socket.gethostname(), pid, _stat(pid)[1], _realm())

    def fate(self, process: Process) -> Fate:
        """`DEAD` if it is gone or a zombie, or its number belongs to a later process."""
        if (process.host, process.realm) != (socket.gethostname(), _realm()):
            return Fate.UNKNOWN
        exists = operating_system.process_exists(process.pid)
        if exists is None:
            return Fate.UNKNOWN
        if not exists:
            return Fate.DEAD
        state, born = _stat(process.pid)
        if state in {"Z", "X"} or (born and process.born and born != process.born):
            return Fate.DEAD
        return Fate.ALIVE


def _stat(pid: int) -> tuple[str, str]:
    """State letter and start time; empty without /proc, or if it hides processes of other users."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    fields = text.rpartition(")")[2].split()  # the 2nd field, the name, may contain ")" or spaces
    return fields[0], fields[19]


def _realm() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""
