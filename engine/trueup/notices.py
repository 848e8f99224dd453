"""Sends notices through Apprise.

Addresses hold secrets: nothing here returns, raises or logs a part of one. Apprise reports causes
in its log only, and some of its services write parts of an address to that log. So the log is
discarded, apart from the HTTP status in it.
"""

import logging
import re
from collections.abc import Sequence
from threading import Thread, get_ident
from time import monotonic

from msgspec import Struct

from trueup.model.notice import NoticeAddress

PATIENCE = 20.0
"""Seconds in which all addresses must have answered; they are asked at once."""

CONNECT, READ = 4.0, 8.0
"""Seconds of one request to a service: to reach it, and to wait for a part of its answer."""

INSTALL = "pip install 'trueup[notify]'"

_STATUS = re.compile(r"\berror=(\d{3})\b")
_LOG = logging.getLogger("apprise")
_NOWHERE = logging.NullHandler()


class Sent(Struct, frozen=True):
    """The result of sending a notice to one address."""

    to: NoticeAddress
    cause: str = ""  # why it was not sent; empty if it was
    remedy: str = ""


def send(texts: Sequence[tuple[NoticeAddress, str]], title: str) -> list[Sent]:
    """Sends a text to each address, and returns the results in the same order.

    Raises nothing, and takes `PATIENCE` seconds at most.
    """
    try:
        import apprise  # noqa: F401, PLC0415 -- used only where there is something to send
    except ModuleNotFoundError:
        cause = "notices need Apprise, which is not installed"
        return [Sent(one, cause, f"`{INSTALL}`") for one, _ in texts]
    _LOG.propagate = False
    _LOG.addHandler(_NOWHERE)
    sendings = [_Sending(one, title, text) for one, text in texts]
    for sending in sendings:
        sending.start()
    until = monotonic() + PATIENCE
    for sending in sendings:
        sending.join(max(0.0, until - monotonic()))
    return [sending.result for sending in sendings]


class _Sending(Thread):
    """The thread that sends one notice. It is abandoned if the service never answers."""

    def __init__(self, to: NoticeAddress, title: str, text: str) -> None:
        super().__init__(name="notice", daemon=True)
        self._to, self._title, self._text = to, title, text
        cause = f"no answer within {PATIENCE:g} seconds"
        self.result = Sent(to, cause, "look at the service, then `trueup notify --test`")

    def run(self) -> None:
        """Sends the notice and sets `result`."""
        log = _Statuses()
        _LOG.addHandler(log)
        try:
            self.result = self._send(log)
        except Exception as error:  # noqa: BLE001 -- any service; its text may hold the address
            self.result = Sent(self._to, f"the service failed with {type(error).__name__}", _LOOK)
        finally:
            _LOG.removeHandler(log)

    def _send(self, log: "_Statuses") -> Sent:
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415 -- as above

        variable = self._to.variable
        if not self._to.address:
            cause = f"the environment variable {variable} is not set"
            return Sent(self._to, cause, f"export {variable}=…")
        asset = AppriseAsset(async_mode=False, storage_mode="memory")
        service = Apprise.instantiate(self._to.address, asset=asset)
        if service is None:
            cause = f"the environment variable {variable} holds no address that Apprise knows"
            return Sent(self._to, cause, "write it as https://appriseit.com/services/ shows")
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT, READ
        service.redirects = False
        if service.notify(body=self._text, title=self._title):
            return Sent(self._to)
        if log.status:
            return Sent(self._to, f"the service answered with HTTP status {log.status}", _LOOK)
        return Sent(self._to, "the service could not be reached, or refused the notice", _LOOK)


_LOOK = "look at the address and its rights, then `trueup notify --test`"


class _Statuses(logging.Handler):
    """Keeps the HTTP status that one thread logs."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = get_ident()
        self.status = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and (found := _STATUS.search(record.getMessage())):
            self.status = found[1]
