"""gRPC, through grpcio: `pip install 'martlet-client[grpc]'`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from martlet.errors import MartletError
from martlet.options import TLS, Address, Options
from martlet.protocol import Metadata, Request, UntilAnswered

try:
    import grpc
    import grpc.aio
except ImportError as missing:  # pragma: no cover: an installation without the extra
    raise ImportError("transport='grpc' needs grpcio: pip install 'martlet-client[grpc]'") from missing

PING = "/grpc.health.v1.Health/Check"


class GRPCTransport:
    """Any number of calls from any thread on grpcio's channel."""

    def __init__(self, address: Address, options: Options) -> None:
        target, settings = channel_settings(address, options)
        self._options = options
        self._channel = (
            grpc.secure_channel(target, credentials(options.tls), settings)
            if options.tls
            else grpc.insecure_channel(target, settings)
        )

    def close(self) -> None:
        self._channel.close()

    def unary(self, path: str, request: bytes, deadline: float | None, entries: Metadata = ()) -> bytes:
        with translated():
            call = self._channel.unary_unary(path)
            answer: bytes = call(request, timeout=left(deadline), metadata=metadata(self._options, entries))
            return answer

    def stream(
        self, path: str, requests: Iterator[Request], deadline: float | None, entries: Metadata = ()
    ) -> Iterator[bytes]:
        source = Requests(requests)
        call = self._channel.stream_stream(path)(
            source, timeout=left(deadline), metadata=metadata(self._options, entries))
        try:
            with translated(source):
                for answer in call:
                    yield answer
                    source.is_answered.set()
        finally:
            call.cancel()
            source.is_answered.set()  # grpcio's own thread may wait for it

    def ping(self, deadline: float | None) -> None:
        self.unary(PING, b"", deadline)


class AsyncGRPCTransport:
    """The same on grpc.aio."""

    def __init__(self, address: Address, options: Options) -> None:
        target, settings = channel_settings(address, options)
        self._options = options
        self._channel = (
            grpc.aio.secure_channel(target, credentials(options.tls), settings)
            if options.tls
            else grpc.aio.insecure_channel(target, settings)
        )

    async def close(self) -> None:
        await self._channel.close()

    async def unary(self, path: str, request: bytes, deadline: float | None, entries: Metadata = ()) -> bytes:
        with translated():
            call = self._channel.unary_unary(path)
            answer: bytes = await call(request, timeout=left(deadline), metadata=metadata(self._options, entries))
            return answer

    async def stream(
        self, path: str, requests: AsyncIterator[bytes], deadline: float | None, entries: Metadata = ()
    ) -> AsyncIterator[bytes]:
        source = AsyncRequests(requests)
        call = self._channel.stream_stream(path)(
            source, timeout=left(deadline), metadata=metadata(self._options, entries))
        status = ServerStatus(call)
        try:
            with translated(source):
                try:
                    async for answer in call:
                        yield answer
                except grpc.aio.AioRpcError as error:
                    await status.raise_for(error)
        except asyncio.CancelledError:
            if source.failed:  # grpc.aio cancels a call whose source failed
                raise source.failed from None
            raise
        finally:
            call.cancel()

    async def ping(self, deadline: float | None) -> None:
        await self.unary(PING, b"", deadline)


class Requests:
    """An iterator that keeps what its source raised: grpcio only tells that something did."""

    def __init__(self, source: Iterator[Request]) -> None:
        self._source = source
        self.is_answered = threading.Event()
        self.failed: BaseException | None = None

    def __iter__(self) -> Requests:
        return self

    def __next__(self) -> bytes:
        try:
            while isinstance(request := next(self._source), UntilAnswered):
                self.is_answered.wait()
            return request
        except StopIteration:
            raise
        except BaseException as error:
            self.failed = error
            raise


class AsyncRequests:
    """The same for asyncio."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self.failed: BaseException | None = None

    def __aiter__(self) -> AsyncRequests:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._source)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self.failed = error
            raise


class ServerStatus:
    """The status the server sent, although grpc.aio puts its own over it.

    When a server ends a call whose requests are still being written, the write that fails becomes the call's status:
    INTERNAL, "Internal error from Core" (grpc/grpc issue 36066). Both come through the call's done callbacks, in either
    order, and only there can the first be read.
    """

    OVERWRITTEN = (grpc.StatusCode.INTERNAL, "Internal error from Core")
    # The write's status may come first; Core has the server's by then, and gives it in the next turns of the loop.
    WAIT_SECONDS = 1.0

    def __init__(self, call: Any) -> None:
        self._sent: tuple[grpc.StatusCode, str, Any] | None = None
        self._known = asyncio.Event()
        call.add_done_callback(self._read)

    def _read(self, call: Any) -> None:
        status = (known(call.code()), known(call.details()) or "", known(call.trailing_metadata()))
        if status[:2] != self.OVERWRITTEN:
            self._sent = status
            self._known.set()

    async def raise_for(self, error: grpc.aio.AioRpcError) -> None:
        """Raises the server's status, or nothing when that is OK; `error` itself when there is no other."""
        if (error.code(), error.details()) == self.OVERWRITTEN:
            with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
                await asyncio.wait_for(self._known.wait(), self.WAIT_SECONDS)
            if self._sent:
                code, details, trailing = self._sent
                if code is grpc.StatusCode.OK:
                    return
                raise grpc.aio.AioRpcError(code, error.initial_metadata(), trailing, details) from error
        raise error


def known(answer: Any) -> Any:
    """What a coroutine of grpc.aio returns at once when the call is done."""
    try:
        answer.send(None)
    except StopIteration as returned:
        return returned.value
    answer.close()
    return None


def channel_settings(address: Address, options: Options) -> tuple[str, list[tuple[str, Any]]]:
    settings: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", options.message_bytes_max),
        ("grpc.max_send_message_length", -1),
        # Retrying is this package's own: grpcio's would multiply it.
        ("grpc.enable_retries", 0),
        # A proxy that the environment names is for the web, not for a model server.
        ("grpc.enable_http_proxy", 0),
    ]
    if options.tls and options.tls.server_name:
        settings.append(("grpc.ssl_target_name_override", options.tls.server_name))
    return str(address), settings


def credentials(tls: TLS) -> Any:
    def read(path: str | None) -> bytes | None:
        if path is None:
            return None
        with open(path, "rb") as file:
            return file.read()

    return grpc.ssl_channel_credentials(read(tls.ca_file), read(tls.key_file), read(tls.certificate_file))


def metadata(options: Options, entries: Metadata) -> list[tuple[str, str]]:
    return ([("authorization", f"Bearer {options.token}")] if options.token else []) + list(entries)


def left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


@contextlib.contextmanager
def translated(source: Requests | AsyncRequests | None = None) -> Iterator[None]:
    """Turns grpcio's errors into this package's."""
    try:
        yield
    except grpc.RpcError as error:
        if source and source.failed:
            raise source.failed from None
        raise MartletError(error.code().value[0], error.details() or "", pushback(error)) from error


def pushback(error: Any) -> float | None:
    """The server's hint when to try again, in seconds."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-retry-pushback-ms":
            with contextlib.suppress(ValueError):
                return int(value) / 1000 if int(value) >= 0 else None
    return None
