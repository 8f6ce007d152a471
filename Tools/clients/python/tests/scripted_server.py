"""A server that says what a test tells it to: no models, the real protocol."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

from google.protobuf.message import Message

from martlet.v1 import inference_pb2 as inference
from martlet.v1 import native_pb2 as native


class Peer:
    """The server's end of one connection, for a script to drive."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.seen: list[native.Frame] = []

    def read_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.connection.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def read(self) -> native.Frame:
        flags, length = struct.unpack(">BI", self.read_exactly(5))
        assert flags == 0
        frame = native.Frame.FromString(self.read_exactly(length))
        self.seen.append(frame)
        return frame

    def read_to_end(self) -> None:
        """Closing with unread bytes would reset the connection under what was sent last."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                self.read()

    def expect(self, kind: str) -> native.Frame:
        frame = self.read()
        assert frame.WhichOneof("kind") == kind, frame
        return frame

    def send(self, **fields: object) -> None:
        body = native.Frame(**fields).SerializeToString()
        self.connection.sendall(struct.pack(">BI", 0, len(body)) + body)

    def answer(self, call: int, message: Message) -> None:
        self.send(call_id=call, message=native.Message(payload=message.SerializeToString()))

    def shake_hands(self, credit: int = 256 << 10, message_bytes_max: int = 4 << 20) -> None:
        assert self.read_exactly(8) == b"MARTLET1"
        self.expect("hello")
        self.connection.sendall(b"MARTLET1")
        self.send(hello=native.Hello(
            protocol=1, message_bytes_max=message_bytes_max, initial_credit_bytes=credit, calls_max=100))


def serve_one_classify(peer: Peer) -> None:
    """A script: every text is its own label."""
    peer.shake_hands()
    opened = peer.expect("open")
    request = inference.ClassifyRequest.FromString(peer.expect("message").message.payload)
    peer.expect("half_close")
    results = [inference.TextResult(scores=[{"label": i.text, "score": 0.5}]) for i in request.inputs]
    peer.answer(opened.call_id, inference.ClassifyResponse(model={"name": request.model.name}, results=results))
    peer.send(call_id=opened.call_id, status=native.Status())


class ScriptedServer:
    """Runs `script(peer)` for one connection, the next script for the next one; `finish` waits for them and raises what
    they raised. With `connections` the one script runs for so many connections at once."""

    def __init__(
        self, *scripts: Callable[[Peer], None], unix_path: str | None = None, connections: int = 0
    ) -> None:
        if unix_path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(unix_path)
            self.address = f"unix:{unix_path}"
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.listener.listen()
        self.error: BaseException | None = None
        turns = [scripts] * connections if connections else [scripts]
        self.threads = [threading.Thread(target=self._run, args=(turn,), daemon=True) for turn in turns]
        for thread in self.threads:
            thread.start()

    def _run(self, scripts: tuple[Callable[[Peer], None], ...]) -> None:
        try:
            for script in scripts:
                connection, _ = self.listener.accept()
                connection.settimeout(10)
                with connection:
                    script(Peer(connection))
        except BaseException as error:  # noqa: BLE001: handed to the test
            self.error = error

    def finish(self) -> None:
        for thread in self.threads:
            thread.join(10)
        self.listener.close()
        assert not any(thread.is_alive() for thread in self.threads), "the script still waits"
        if self.error:
            raise self.error
