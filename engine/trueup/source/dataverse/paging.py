"""Pages one after the other, the next one on its way while this one is read.

Measured on 100,000 rows: without that, a full load takes its own time and the server's; with it, about the longer
of the two. One request is in flight at a time, by one thread.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from engine.errors import SourceError
from engine.source.dataverse.client import DataverseClient, Garbled
from engine.source.dataverse.pages import Page, next_link, page


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of many rows: what it is called, and what is preferred for each of its pages."""

    client: DataverseClient
    what: str
    prefer: str

    def pages(self, address: str) -> Iterator[Page]:
        """Links are followed as they are, each once. Raises SourceError."""
        followed: set[str] = set()
        pool = ThreadPoolExecutor(1, thread_name_prefix="pages")
        try:
            coming = pool.submit(self._fetch, address)
            while address:
                followed.add(address)
                body = coming.result()
                early = next_link(body)
                if early and early not in followed:
                    coming = pool.submit(self._fetch, early)
                got = self._page(address, body)
                yield got
                if got.next in followed:
                    raise SourceError(f"{self.client.name}, {self.what}: a page leads back to one that was read")
                coming = self._right(coming, early, got.next, pool)
                address = got.next
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _right(self, coming: Future[bytes], early: str, link: str, pool: ThreadPoolExecutor) -> Future[bytes]:
        """The page that is to come, where a broken body announced another one."""
        return coming if early == link or not link else pool.submit(self._fetch, link)

    def _fetch(self, address: str) -> bytes:
        return self.client.get(address, self.what, bytes, prefer=self.prefer)

    def _page(self, address: str, body: bytes) -> Page:
        """The page in this body; a body that is none is asked for again."""
        try:
            return page(body)
        except Garbled:
            return self.client.get(address, self.what, page, prefer=self.prefer)
