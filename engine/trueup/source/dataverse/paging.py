"""Reads pages one after the other, and requests the next one while the current one is parsed.

Without that, a full load of 100,000 rows takes our own time plus the server's; with it, about the
longer of the two. One request is in flight at a time, in one thread.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from trueup.errors import SourceError
from trueup.source.dataverse.client import DataverseClient
from trueup.source.dataverse.errors import MalformedBody
from trueup.source.dataverse.page import ODataPage, next_link_in, page_from_body


class PageReader(Struct, frozen=True):
    """Reads all pages of one query. `what` names it in messages."""

    client: DataverseClient
    what: str
    prefer: str  # the Prefer header of each page

    def pages(self, address: str) -> Iterator[ODataPage]:
        """Yields the pages; links are followed as they are, each once. Raises `SourceError`."""
        followed: set[str] = set()
        pool = ThreadPoolExecutor(1, thread_name_prefix="pages")
        try:
            coming = pool.submit(self._fetch, address)
            while address:
                followed.add(address)
                body = coming.result()
                # The link is searched for before the page is parsed, so that the next request is
                # under way meanwhile.
                early_link = next_link_in(body)
                if early_link and early_link not in followed:
                    coming = pool.submit(self._fetch, early_link)

                page = self._parse(address, body)
                yield page

                if page.next in followed:
                    raise SourceError(
                        f"{self.client.name}, {self.what}: a page leads back to one that was read"
                    )
                if page.next and page.next != early_link:
                    # A damaged body announced another page than the one that replaced it.
                    coming = pool.submit(self._fetch, page.next)
                address = page.next
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, address: str) -> bytes:
        return self.client.get(address, self.what, bytes, prefer=self.prefer)

    def _parse(self, address: str, body: bytes) -> ODataPage:
        """The page of a body; a malformed one is requested again."""
        try:
            return page_from_body(body)
        except MalformedBody:
            return self.client.get(address, self.what, page_from_body, prefer=self.prefer)
