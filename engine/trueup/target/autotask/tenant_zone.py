"""Where a tenant's requests go: to its zone, which the look-up host names for the API user.

Facts: docs/explanation/autotask.md, section 1.
"""

import logging
import threading
from collections.abc import Collection
from urllib.parse import quote

from trueup.errors import TargetError
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.kept_connection import KeptConnection
from trueup.target.autotask.responses import clean_message
from trueup.target.autotask.retry import ApiRequest
from trueup.target.autotask.sender import LookUpHost, Sender
from trueup.target.autotask.zones import Zone, is_trusted, read_zone

_log = logging.getLogger(__name__)


class TenantZone:
    """The zone of one API user, looked up once; shared by threads.

    A zone that an earlier command has kept spares the look-up. Which answer a zone gives that the
    tenant has left is not known for certain. So until a kept zone has answered, each failure of a
    read there has the zone looked up.
    """

    def __init__(
        self,
        start: Zone,
        credentials: Credentials,
        hosts: Collection[str],
        sender: Sender,
    ) -> None:
        """`hosts` are those to which the look-up at `start` may lead, besides Autotask's."""
        self._start, self._credentials, self._hosts = start, credentials, hosts
        self._sender = sender
        self.kept: KeptConnection | None = None
        self._lock = threading.Lock()
        self._zone: Zone | None = None
        self._unconfirmed: Zone | None = None  # the kept zone, until it has answered
        self.is_kept = False  # whether no look-up was needed so far
        self.moves = 0  # how often the tenant was found to be in another zone

    def zone(self) -> Zone:
        """Returns the tenant's zone. Raises `TargetError` if it must be looked up and cannot be."""
        with self._lock:
            if self._zone is None:
                self._zone = self._unconfirmed = self._kept_zone()
                self.is_kept = self._zone is not None
            if self._zone is None:
                self._zone = self._look_up()
            return self._zone

    def is_doubtful(self, zone: Zone) -> bool:
        """Returns whether the zone has not answered yet, or another thread has replaced it."""
        return zone is self._unconfirmed or zone is not self._zone

    def confirm(self, zone: Zone) -> None:
        """Notes that the zone has answered."""
        if zone is self._unconfirmed:
            self._unconfirmed = None

    def has_moved(self, used: Zone) -> bool:
        """Returns whether the tenant is in another zone than the used one; looks it up again.

        Raises `TargetError`.
        """
        with self._lock:
            # Another thread may have looked it up meanwhile.
            if self._zone is used:
                self._zone = self._look_up()
                self.moves += self._zone != used
            return self._zone != used

    def doubt(self) -> None:
        """Has the next command look the zone up, if the kept one gave no answer to trust."""
        if self.is_kept and self.kept:
            self.kept.forget_zone()

    def _kept_zone(self) -> Zone | None:
        """The kept zone, unless the secret must not be sent there."""
        zone = self.kept.zone() if self.kept else None
        return zone if zone and self._distrust(zone) is None else None

    def _look_up(self) -> Zone:
        """Requests the zone from the look-up host, without credentials."""
        path = f"ZoneInformation?user={quote(self._credentials.username, safe='')}"
        request = ApiRequest("GET", path, endpoint="", what="looking up the zone")
        zone = self._sender.send(request, LookUpHost(self._start), read_zone)
        if distrust := self._distrust(zone):
            raise TargetError(distrust)
        _log.info("zone %s at %s", zone.name, zone.root)
        self._unconfirmed, self.is_kept = None, False
        if self.kept:
            self.kept.put_zone(zone)
        return zone

    def _distrust(self, zone: Zone) -> str | None:
        """Why the secret must not be sent to the zone; None if it may be."""
        if not zone.is_secure() or (
            self._start.root.startswith("https:") and not zone.root.startswith("https:")
        ):
            return "the zone look-up leads from https to http; the secret is not sent there"
        if not is_trusted(zone, self._start, self._hosts):
            host = clean_message(zone.host_name(), 60)
            return (
                f"the zone look-up leads to {host}, which is no host of Autotask; the secret is "
                "not sent there. If that is right, name it in target.hosts in trueup.yaml"
            )
        return None
