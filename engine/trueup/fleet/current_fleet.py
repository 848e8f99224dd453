"""The fleet of a worker, with fleet.yaml as the worker has read it last."""

from threading import Lock

from trueup.errors import EngineError
from trueup.fleet.event_log import EventLog
from trueup.fleet.open_fleet import OpenFleet


class CurrentFleet:
    """An open fleet that follows its fleet.yaml. Shared by the threads of a worker."""

    def __init__(self, opened: OpenFleet, log: EventLog) -> None:
        self.opened, self._log = opened, log
        self._reading = Lock()  # of fleet.yaml: before each run, and from time to time
        self._unread = ""  # why fleet.yaml was not read again, as reported last

    def read_again(self) -> None:
        """Reads fleet.yaml again if it has changed; an invalid file is reported once."""
        with self._reading:
            try:
                read = self.opened.read_again()
            except EngineError as error:
                if str(error) != self._unread:
                    self._unread = str(error)
                    self._log.emit("fleet.yaml not read", text=self._unread)
                return
            self._unread = ""
            if read is self.opened:
                return
            with read.connect() as connection:
                read.prepare(connection)
            self.opened = read
            self._log.emit("fleet.yaml read", tenants=len(read.fleet.tenants))
