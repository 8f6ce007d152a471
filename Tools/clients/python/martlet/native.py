"""Blocking calls of the native protocol: one connection for each call in flight, kept for the next one."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterator

from martlet.errors import Code, MartletError
from martlet.options import Address, Options
from martlet.protocol import Call, Metadata, Protocol, Request, UntilAnswered

READ_BYTES = 256 << 10


class Connection:
    """One connection, one call at a time. Not for several threads."""

    def __init__(self, address: Address, options: Options) -> None:
        self._protocol = Protocol(message_bytes_max=options.message_bytes_max, token=options.token)
        deadline = time.monotonic() + options.connect_timeout
        self._socket = connect(address, options)
        self._selector = selectors.DefaultSelector()
        try:
            self._socket.setblocking(False)
            self._selector.register(self._socket, selectors.EVENT_READ)
            while self._protocol.server is None and not self._protocol.over:
                self._wait(deadline)
            if self._protocol.over:
                raise self._protocol.over
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._selector.close()
        self._socket.close()

    @property
    def is_usable(self) -> bool:
        """False when another call would only find out that the connection is gone."""
        with contextlib.suppress(MartletError):
            self._move()
        return self._protocol.over is None

    def ping(self, deadline: float | None) -> None:
        pongs = self._protocol.pongs
        self._protocol.ping()
        while self._protocol.pongs == pongs:
            if self._protocol.over:
                raise self._protocol.over
            self._wait(deadline)

    def stream(
        self, path: str, requests: Iterator[Request], deadline: float | None, metadata: Metadata
    ) -> Iterator[bytes]:
        """Runs one call. Requests are read one ahead of what the server takes; closing the iterator cancels it."""
        protocol, is_sending = self._protocol, True
        is_answered = waits_for_answer = False
        ahead: bytes | None = None
        call = protocol.open(path, None if deadline is None else deadline - time.monotonic(), metadata)
        try:
            while call.inbox or not call.is_done:
                if call.inbox:
                    yield protocol.take(call)
                    is_answered, waits_for_answer = True, False
                elif is_sending and not waits_for_answer and not protocol.out and (ahead is None or call.may_send):
                    if ahead is not None:
                        protocol.send(call, ahead)
                        ahead = None
                    elif (request := next(requests, None)) is None:
                        is_sending = False
                        protocol.half_close(call)  # needs no credit
                    elif isinstance(request, UntilAnswered):
                        waits_for_answer = not is_answered
                    else:
                        ahead = request
                elif not self._move():
                    self._wait(deadline)
            if call.error:
                raise call.error
        finally:
            self._leave(call)

    def _leave(self, call: Call) -> None:
        if not call.is_done:
            self._protocol.cancel(call)
            with contextlib.suppress(MartletError):
                while self._protocol.out and not self._protocol.over:
                    self._wait(time.monotonic() + 1)

    def _wait(self, deadline: float | None) -> None:
        """Moves bytes, blocking until some can be moved or the deadline passes."""
        if self._move():
            return
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise MartletError(Code.DEADLINE_EXCEEDED, "the deadline passed")
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._protocol.out else 0)
        self._selector.modify(self._socket, wanted)
        self._selector.select(left)

    def _move(self) -> bool:
        """Moves what can be moved now; False when nothing could."""
        protocol, has_moved = self._protocol, False
        if protocol.over and not protocol.calls:
            raise protocol.over
        try:
            if protocol.out:
                with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    del protocol.out[: self._socket.send(protocol.out)]
                    has_moved = True
            with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                protocol.feed(self._socket.recv(READ_BYTES))
                has_moved = True
        except OSError:
            protocol.feed(b"")
            return True
        return has_moved


class NativeTransport:
    """Connections for as many calls as run at once, from any thread."""

    def __init__(self, address: Address, options: Options) -> None:
        self._address, self._options = address, options
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._is_closed = False

    def close(self) -> None:
        with self._lock:
            idle, self._idle, self._is_closed = self._idle, [], True
        for connection in idle:
            connection.close()

    def unary(self, path: str, request: bytes, deadline: float | None, metadata: Metadata = ()) -> bytes:
        answers = list(self.stream(path, iter([request]), deadline, metadata))
        if len(answers) != 1:
            raise MartletError(Code.INTERNAL, f"the server sent {len(answers)} answers instead of one")
        return answers[0]

    def stream(
        self, path: str, requests: Iterator[Request], deadline: float | None, metadata: Metadata = ()
    ) -> Iterator[bytes]:
        with self._connection() as connection:
            yield from connection.stream(path, requests, deadline, metadata)

    def ping(self, deadline: float | None) -> None:
        with self._connection() as connection:
            connection.ping(deadline)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Connection]:
        connection = self._take() or Connection(self._address, self._options)
        try:
            yield connection
        finally:
            with self._lock:
                keep = not self._is_closed and connection.is_usable
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def _take(self) -> Connection | None:
        while True:
            with self._lock:
                if self._is_closed:
                    raise MartletError(Code.CANCELLED, "the client is closed")
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.is_usable:
                return connection
            connection.close()


def connect(address: Address, options: Options) -> socket.socket:
    """A connected socket, in TLS when the options ask for it."""
    try:
        if address.path is not None:
            plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            plain.settimeout(options.connect_timeout)
            plain.connect(address.path)
        else:
            plain = socket.create_connection((address.host, address.port), options.connect_timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if options.tls is None:
            return plain
        name = options.tls.server_name or address.host
        return options.tls.context().wrap_socket(plain, server_hostname=name)
    except ssl.SSLError as error:
        raise MartletError(Code.UNAVAILABLE, f"TLS with {address} failed: {error.reason or error}") from error
    except OSError as error:
        raise MartletError(Code.UNAVAILABLE, f"no server answers at {address}: {error.strerror or error}") from error
