"""Which process holds the lease, and whether it is dead for certain.

A process number says nothing by itself: it is used again, and it means something only within one boot and
one process namespace. So a process is its host, its number, when it started and where the number counts.
Fields of /proc/<pid>/stat as in proc(5): state is the 3rd, start time the 22nd. Without /proc (macOS) only
the number is looked at; elsewhere nothing can be known.
"""

import os
import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

_PROC = Path("/proc")
_GREATEST = 2**31  # no process number is greater


@dataclass(frozen=True, slots=True)
class Process:
    """One process, told apart from every other one."""

    host: str
    pid: int
    born: str = ""  # clock ticks after boot; "" where that cannot be known
    realm: str = ""  # boot and process namespace; "" where that cannot be known


class Fate(StrEnum):
    """What can be said of a process from here."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"  # on another host, or in another container


class Processes(Protocol):
    """Processes as the lease sees them; tests have their own."""

    def mine(self) -> Process:
        """The process that asks."""
        ...

    def fate(self, process: Process) -> Fate:
        """Dead only if that is certain."""
        ...


class HostProcesses:
    """Processes of this host."""

    def mine(self) -> Process:
        """This process."""
        pid = os.getpid()
        return Process(socket.gethostname(), pid, _stat(pid)[1], _realm())

    def fate(self, process: Process) -> Fate:
        """Dead: gone, a zombie, or its number belongs to a later process."""
        if os.name != "posix" or (process.host, process.realm) != (socket.gethostname(), _realm()):
            return Fate.UNKNOWN
        if not _exists(process.pid):
            return Fate.DEAD
        state, born = _stat(process.pid)
        if state in {"Z", "X"} or (born and process.born and born != process.born):
            return Fate.DEAD
        return Fate.ALIVE


def _exists(pid: int) -> bool:
    if not 0 < pid < _GREATEST:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _stat(pid: int) -> tuple[str, str]:
    """State letter and start time; empty where /proc does not say (it may hide other users' processes)."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    fields = text.rpartition(")")[2].split()  # the 2nd field, the name, may hold anything
    return fields[0], fields[19]


def _realm() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""
