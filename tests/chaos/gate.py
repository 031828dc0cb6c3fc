"""A gate before a store: it passes requests on, refuses them, or loses their answers."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local.ports import LOOPBACK

READ_BYTES = 64 * 1024
START_SECONDS = 60.0
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n"
    b"X-ClickHouse-Exception-Code: 202\r\n\r\n"
)


class Gate:
    """Serves on a port of its own for a store on another; `kind` is what it does just now.

    `refuse`: answers 503 to everything. `lose`: the store gets the request, does it, and the
    connection ends in place of the answer. `cut`: the connection ends in the middle of a request
    that is longer than one read.
    """

    def __init__(self, store_port: int) -> None:
        self.port = 0
        self.kind = ""
        self._store_port = store_port
        self._listening = threading.Event()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"

    @contextmanager
    def open(self) -> Iterator["Gate"]:
        """Serve within this, in a thread of its own."""
        over, loop = asyncio.Event(), asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_until_complete, args=(self._serve(over),))
        thread.start()
        try:
            self._listening.wait(START_SECONDS)
            yield self
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join()
            loop.close()

    async def _serve(self, over: asyncio.Event) -> None:
        server = await asyncio.start_server(self._pass, LOOPBACK)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await over.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # The transports are closed in the next turn of the loop.
        await asyncio.sleep(0.1)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            store = await asyncio.open_connection(LOOPBACK, self._store_port)
            writers.append(store[1])
            requests = asyncio.create_task(self._requests(reader, writer, store[1]))
            answers = asyncio.create_task(self._answers(store[0], writer))
            await asyncio.wait([requests, answers], return_when=asyncio.FIRST_COMPLETED)
            for task in (requests, answers):
                task.cancel()
            await asyncio.gather(requests, answers, return_exceptions=True)
        except OSError:
            pass
        finally:
            for each in writers:
                each.close()

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Pass on what comes for the store."""
        before = 0
        while data := await reader.read(READ_BYTES):
            if self.kind == "refuse":
                back.write(REFUSAL)
                await back.drain()
                return
            if self.kind == "cut" and before + len(data) > READ_BYTES:
                return
            before = len(data)
            writer.write(data)
            await writer.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what the store says; the first word of it is the end where answers are lost."""
        while (data := await reader.read(READ_BYTES)) and self.kind != "lose":
            writer.write(data)
            await writer.drain()
