"""The native protocol (Protos/PROTOCOL.md) without any I/O: bytes come in by `feed`, bytes to send stand in `out`.

`martlet.native` puts a blocking socket around it, `martlet.native_async` asyncio.
"""

from __future__ import annotations

import collections
import struct
from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from google.protobuf.message import DecodeError, Message

from martlet.errors import Code, MartletError
from martlet.v1 import native_pb2 as native

AnyMessage = TypeVar("AnyMessage", bound=Message)

PREFACE, SOFTWARE = b"MARTLET1", "martlet-python/0.1.0"
FRAME_OVERHEAD, CREDIT_BYTES, COST_MIN = 65536, 256 << 10, 64


class UntilAnswered:
    """Among a call's requests: the next one is asked for when the first answer was read."""


UNTIL_ANSWERED = UntilAnswered()
Request: TypeAlias = bytes | UntilAnswered
Metadata: TypeAlias = Sequence[tuple[str, str]]
"""Sent beside a call's requests: names in lower case, and values."""


class Call:
    """One call: what has come for it, and what it may still send."""

    def __init__(self, number: int, credit: int) -> None:
        self.number = number
        self.credit = credit
        self.may_come = CREDIT_BYTES
        self.inbox: collections.deque[bytes] = collections.deque()
        self.is_done = False
        self.error: MartletError | None = None
        self.used = 0  # cost of the messages that were taken and not granted back yet

    @property
    def may_send(self) -> bool:
        return self.credit > 0 and not self.is_done

    def end(self, error: MartletError | None) -> None:
        if not self.is_done:
            self.is_done, self.error = True, error


class Protocol:
    """A client's side of one connection."""

    def __init__(self, *, message_bytes_max: int, token: str = "") -> None:
        self._limit, self._token = message_bytes_max, token
        self._in, self.out = bytearray(), bytearray(PREFACE)
        self._last_call = 0
        self.calls: dict[int, Call] = {}
        self.server: native.Hello | None = None  # once it has come
        self.over: MartletError | None = None  # why no further call can start
        self.pongs = 0
        hello = native.Hello(
            protocol=1, message_bytes_max=self._limit, initial_credit_bytes=CREDIT_BYTES, software=SOFTWARE)
        self._send(hello=hello)
        self._preface_left = PREFACE

    def open(self, method: str, timeout: float | None, metadata: Metadata = ()) -> Call:
        """Starts a call; raises when none can start any more."""
        if self.over:
            raise self.over
        assert self.server, "a call before the server's Hello"
        self._last_call += 1
        call = self.calls[self._last_call] = Call(self._last_call, self.server.initial_credit_bytes)
        microseconds = 0 if timeout is None else max(1, int(timeout * 1e6))
        entries = [native.Metadata(key=key, value=value.encode()) for key, value in metadata]
        self._send(
            call_id=call.number,
            open=native.Open(method=method, deadline_us=microseconds, token=self._token, metadata=entries))
        return call

    def send(self, call: Call, payload: bytes) -> None:
        """Sends a message; only while `call.may_send`, and best while `out` is empty."""
        assert self.server
        if 0 < (limit := self.server.message_bytes_max) < len(payload):
            raise MartletError(
                Code.RESOURCE_EXHAUSTED, f"a message of {len(payload)} bytes is above the server's limit of {limit}")
        call.credit -= max(COST_MIN, len(payload))
        self._send(call_id=call.number, message=native.Message(payload=payload))

    def half_close(self, call: Call) -> None:
        if not call.is_done:
            self._send(call_id=call.number, half_close=native.HalfClose())

    def cancel(self, call: Call, error: MartletError | None = None) -> None:
        """Forgets a call. What still comes for it is ignored."""
        if self.calls.pop(call.number, None) and not call.is_done:
            self._send(call_id=call.number, cancel=native.Cancel())
        call.end(error or MartletError(Code.CANCELLED, "the call was cancelled"))

    def take(self, call: Call) -> bytes:
        """The next message of a call's inbox. Its room is granted back, so that a slow reader slows the server down."""
        payload = call.inbox.popleft()
        call.used += max(COST_MIN, len(payload))
        if call.used >= CREDIT_BYTES // 2 and not call.is_done:
            self._send(call_id=call.number, credit=native.Credit(bytes=call.used))
            call.may_come += call.used
            call.used = 0
        return payload

    def ping(self) -> None:
        """Asks for a sign of life: `pongs` rises with its answer."""
        self._send(ping=native.Ping(data=1))

    def feed(self, data: bytes) -> list[Call]:
        """Takes what came; empty data is the end of the stream. Returns the calls for which something changed."""
        changed: list[Call] = []
        try:
            if not data:
                raise MartletError(Code.UNAVAILABLE, "the server closed the connection")
            self._in += data
            while self._preface_left and self._in:
                expected, self._preface_left = self._preface_left[:1], self._preface_left[1:]
                if self._take(1) != expected:
                    raise MartletError(Code.INTERNAL, "what answers there does not speak the native protocol")
            while not self._preface_left and (frame := self._next_frame()):
                if call := self._receive(frame):
                    changed.append(call)
        except MartletError as error:
            changed += self.close(error)
        return changed

    def close(self, error: MartletError) -> list[Call]:
        """The connection is gone: every call ends. Returns those."""
        self.over = self.over or error
        lost, self.calls = list(self.calls.values()), {}
        for call in lost:
            call.end(error)
        return lost

    def _receive(self, frame: native.Frame) -> Call | None:
        kind = frame.WhichOneof("kind")
        if self.server is None and kind not in ("hello", "go_away"):
            raise MartletError(Code.INTERNAL, "the server's first frame is not Hello")
        if kind == "hello" and self.server is None:
            if frame.hello.protocol != 1:
                raise MartletError(Code.UNIMPLEMENTED, f"the server speaks protocol {frame.hello.protocol}, not 1")
            self.server = frame.hello
        elif kind == "ping":
            self._send(pong=native.Pong(data=frame.ping.data))
        elif kind == "pong":
            self.pongs += 1
        elif kind == "go_away":
            self._receive_go_away(frame.go_away)
        elif kind not in ("message", "credit", "status") or not 0 < frame.call_id <= self._last_call:
            raise MartletError(Code.INTERNAL, f"the server broke the protocol with {kind} of call {frame.call_id}")
        elif call := self.calls.get(frame.call_id):  # none: it crossed the call's end
            if kind == "message" and call.may_come > 0:
                call.may_come -= max(COST_MIN, len(frame.message.payload))
                call.inbox.append(frame.message.payload)
            elif kind == "message":
                self.cancel(call, MartletError(Code.INTERNAL, "the server sent a message without credit"))
            elif kind == "credit":
                call.credit += frame.credit.bytes
            else:
                del self.calls[frame.call_id]
                call.end(failure(frame.status.code, frame.status.message, frame.status.retry_after_ms))
            return call
        return None

    def _receive_go_away(self, leaving: native.GoAway) -> None:
        error = MartletError(leaving.code or Code.UNAVAILABLE, f"the server is leaving: {leaving.reason}")
        self.over = error
        if leaving.code or any(number > leaving.last_call_id for number in self.calls) or self.server is None:
            raise error

    def _send(self, **fields: object) -> None:
        body = native.Frame(**fields).SerializeToString()  # type: ignore[arg-type]
        self.out += struct.pack(">BI", 0, len(body)) + body

    def _next_frame(self) -> native.Frame | None:
        if len(self._in) < 5:
            return None
        flags, length = struct.unpack_from(">BI", self._in)
        if flags or length > self._limit + FRAME_OVERHEAD:
            raise MartletError(Code.INTERNAL, f"the server sent a frame with flags {flags} and length {length}")
        if len(self._in) < 5 + length:
            return None
        return parse(self._take(5 + length)[5:], native.Frame)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._in[:count])
        del self._in[:count]
        return taken


def failure(code: int, message: str, retry_after_ms: int) -> MartletError | None:
    """What a status says; None for success."""
    return MartletError(code, message, retry_after_ms / 1000 or None) if code else None


def parse(data: bytes, kind: type[AnyMessage]) -> AnyMessage:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise MartletError(Code.INTERNAL, f"the server sent a broken {kind.__name__}") from error
