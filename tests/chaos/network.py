"""The network between a host and the database: a proxy that can be cut and restored."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

_READ = 65_536  # bytes at once


class Network:
    """A port of this machine that leads to the socket of the database, for one host."""

    def __init__(self, socket: Path, port: int) -> None:
        self.port = port
        self._socket = socket
        self._open: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", port))

    def cut(self) -> None:
        """Ends all connections, and each new one at once."""
        self._call(self._cut)

    def hold(self) -> None:
        """Nothing gets through any more, and nobody is told."""
        self._call(self._flows.clear)

    def restore(self) -> None:
        """All is as before; what was held gets through now."""
        self._call(self._restore)

    def close(self) -> None:
        """Ends it."""
        self._call(self._server.close)
        self._call(self._cut)
        self._call(self._restore)  # what waits goes on, and finds its end
        self._do(self._left())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _left(self) -> None:
        """Waits until all connections have ended."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # transports close when the loop turns

    def _cut(self) -> None:
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def _restore(self) -> None:
        self._is_cut = False
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        await self._flows.wait()
        try:
            theirs, to_them = await asyncio.open_unix_connection(self._socket)
        except OSError:  # the database is away
            writer.transport.abort()
            return
        both = {writer, to_them}
        self._open |= both
        try:
            await asyncio.gather(self._pump(reader, to_them), self._pump(theirs, writer))
        finally:
            self._open -= both
            for one in both:
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carries one direction. Its end is that of the connection."""
        with contextlib.suppress(OSError):
            while data := await reader.read(_READ):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _call(self, act: Callable[[], object]) -> None:
        async def done() -> None:
            act()

        self._do(done())
