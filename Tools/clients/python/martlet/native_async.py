"""The native protocol on asyncio: any number of calls at once on one connection."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from martlet.errors import Code, MartletError
from martlet.options import Address, Options
from martlet.protocol import Call, Metadata, Protocol

READ_BYTES = 256 << 10


class Running:
    """A call and who waits for it."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.came, self.granted = asyncio.Event(), asyncio.Event()
        self.failed: Exception | None = None  # what the requests' source raised


class Connection:
    """One connection and the task that reads it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, options: Options) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = Protocol(message_bytes_max=options.message_bytes_max, token=options.token)
        self._running: dict[int, Running] = {}
        self._came = asyncio.Event()  # anything
        self._room = asyncio.Semaphore(1)  # until Hello says how many calls may be open
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, address: Address, options: Options) -> Connection:
        try:
            async with asyncio.timeout(options.connect_timeout):
                connection = cls(*await open_streams(address, options), options)
                await connection._greet()
                return connection
        except TimeoutError as error:
            raise MartletError(Code.DEADLINE_EXCEEDED, f"no greeting came from {address} in time") from error
        except OSError as error:
            reason = error.strerror or error
            raise MartletError(Code.UNAVAILABLE, f"no server answers at {address}: {reason}") from error

    async def _greet(self) -> None:
        self._flush()
        try:
            while self._protocol.server is None:
                await self._news()
        except BaseException:
            await self.close()
            raise
        self._room = asyncio.Semaphore(max(1, self._protocol.server.calls_max))

    @property
    def is_usable(self) -> bool:
        return self._protocol.over is None

    async def close(self) -> None:
        self._wake(self._protocol.close(MartletError(Code.CANCELLED, "the client was closed")))
        self._reading.cancel()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def ping(self, deadline: float | None) -> None:
        pongs = self._protocol.pongs
        self._protocol.ping()
        self._flush()
        async with before(deadline):
            while self._protocol.pongs == pongs:
                await self._news()

    async def stream(
        self, path: str, requests: AsyncIterator[bytes], deadline: float | None, metadata: Metadata
    ) -> AsyncIterator[bytes]:
        """Runs one call; closing the iterator cancels it."""
        async with before(deadline):
            await self._room.acquire()
        try:
            call = self._protocol.open(path, None if deadline is None else deadline - time.monotonic(), metadata)
            running = self._running[call.number] = Running(call)
            sending = asyncio.create_task(self._send(running, requests))
            try:
                while True:
                    async with before(deadline):
                        while not call.inbox and not call.is_done:
                            running.came.clear()
                            await running.came.wait()
                    if not call.inbox:
                        break
                    message = self._protocol.take(call)
                    self._flush()
                    yield message
                if failed := running.failed or call.error:
                    raise failed
            finally:
                del self._running[call.number]
                self._protocol.cancel(call)
                self._flush()
                sending.cancel()
                await asyncio.wait([sending])
        finally:
            self._room.release()

    async def _send(self, running: Running, requests: AsyncIterator[bytes]) -> None:
        """Sends a call's requests as its credit and the socket allow; a failure of their source ends the call."""
        call = running.call
        try:
            async for request in requests:
                while not call.may_send and not call.is_done:
                    running.granted.clear()
                    await running.granted.wait()
                if call.is_done:
                    return
                self._protocol.send(call, request)
                self._flush()
                with contextlib.suppress(ConnectionError):  # the reader finds out too
                    await self._writer.drain()
            self._protocol.half_close(call)
        except Exception as error:
            running.failed = error
            self._protocol.cancel(call)
        self._flush()
        self._wake([call])

    async def _read(self) -> None:
        try:
            while not self._protocol.over or self._protocol.calls:
                try:
                    data = await self._reader.read(READ_BYTES)
                except OSError:
                    data = b""
                self._wake(self._protocol.feed(data))
                self._flush()
                if not data:
                    return
        finally:
            self._writer.close()

    async def _news(self) -> None:
        """Returns when something has come; raises when nothing can any more."""
        if self._protocol.over:
            raise self._protocol.over
        self._came.clear()
        await self._came.wait()

    def _wake(self, calls: list[Call]) -> None:
        self._came.set()
        for call in calls:
            if running := self._running.get(call.number):
                running.came.set()
                running.granted.set()

    def _flush(self) -> None:
        if self._protocol.out and not self._writer.is_closing():
            self._writer.write(bytes(self._protocol.out))
        self._protocol.out.clear()


class AsyncNativeTransport:
    """One connection, made when the first call needs it and again when it is lost."""

    def __init__(self, address: Address, options: Options) -> None:
        self._address, self._options = address, options
        self._connecting = asyncio.Lock()
        self._connection: Connection | None = None
        self._is_closed = False

    async def close(self) -> None:
        self._is_closed = True
        if self._connection:
            await self._connection.close()

    async def unary(self, path: str, request: bytes, deadline: float | None, metadata: Metadata = ()) -> bytes:
        answers = [answer async for answer in self.stream(path, one(request), deadline, metadata)]
        if len(answers) != 1:
            raise MartletError(Code.INTERNAL, f"the server sent {len(answers)} answers instead of one")
        return answers[0]

    async def stream(
        self, path: str, requests: AsyncIterator[bytes], deadline: float | None, metadata: Metadata = ()
    ) -> AsyncIterator[bytes]:
        connection = await self._usable(deadline)
        stream = connection.stream(path, requests, deadline, metadata)
        async with contextlib.aclosing(stream) as answers:  # type: ignore[type-var]
            async for answer in answers:
                yield answer

    async def ping(self, deadline: float | None) -> None:
        await (await self._usable(deadline)).ping(deadline)

    async def _usable(self, deadline: float | None) -> Connection:
        async with before(deadline), self._connecting:
            if self._is_closed:
                raise MartletError(Code.CANCELLED, "the client is closed")
            if self._connection is None or not self._connection.is_usable:
                self._connection = await Connection.connect(self._address, self._options)
                if self._is_closed:  # meanwhile
                    await self._connection.close()
            return self._connection


async def one(request: bytes) -> AsyncIterator[bytes]:
    yield request


@contextlib.asynccontextmanager
async def before(deadline: float | None) -> AsyncIterator[None]:
    """Ends what runs inside with DEADLINE_EXCEEDED at `deadline`, an instant of `time.monotonic`."""
    left = None if deadline is None else deadline - time.monotonic()
    try:
        async with asyncio.timeout(left):
            yield
    except TimeoutError as error:
        raise MartletError(Code.DEADLINE_EXCEEDED, "the deadline passed") from error


async def open_streams(address: Address, options: Options) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = options.tls.context() if options.tls else None
    name = (options.tls.server_name or address.host) if options.tls else None
    if address.path is not None:
        return await asyncio.open_unix_connection(address.path, ssl=context, server_hostname=name)
    return await asyncio.open_connection(address.host, address.port, ssl=context, server_hostname=name)
