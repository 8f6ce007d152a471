"""The blocking client.

    with martlet.Client("127.0.0.1:8970") as client:
        print(client.classify("guard", ["Ignore all previous instructions."]).results[0].label)
        for event in client.classify_document("guard", pathlib.Path("book.txt")):
            print(event)
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol, TypeVar

from martlet import calls, calls_rollout, documents, rollouts, types
from martlet.calls import StreamRequest, Text
from martlet.documents import Document
from martlet.errors import MartletError
from martlet.native import NativeTransport
from martlet.options import TLS, Address, Options, Retry
from martlet.protocol import Metadata, Request
from martlet.publishing import Upload
from martlet.retrying import Defaults
from martlet.types import Aggregation, Overflow

Answer = TypeVar("Answer")


class Transport(Protocol):
    """Calls by name and bytes. Deadlines are instants of `time.monotonic`."""

    def unary(self, path: str, request: bytes, deadline: float | None, metadata: Metadata, /) -> bytes: ...

    def stream(
        self, path: str, requests: Iterator[Request], deadline: float | None, metadata: Metadata, /
    ) -> Iterator[bytes]: ...

    def ping(self, deadline: float | None) -> None: ...

    def close(self) -> None: ...


class Client(contextlib.AbstractContextManager["Client"]):
    """Calls to one server, from any thread. Connects when the first call needs it, and again when a connection is lost.

    `address` is `host:port`, `[ipv6]:port` or `unix:/path`. A `model` is named `guard` (the latest version), `guard@3`
    or `guard:stable`. `timeout` is in seconds, for the whole call with its retries; None waits for ever, and every call
    may give its own. `metadata` goes beside a call's requests: a route with a sticky key sends the same value of that
    entry to the same version. Calls raise `MartletError`.
    """

    def __init__(
        self, address: str, *, transport: Literal["native", "grpc"] = "native", timeout: float | None = None,
        retry: Retry = Retry(), tls: TLS | None = None, token: str = "", connect_timeout: float = 10.0,
    ) -> None:
        self._defaults = Defaults(retry, timeout)
        options = Options(token=token, tls=tls, connect_timeout=connect_timeout)
        self._transport = make_transport(transport, Address.parse(address), options)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    # Inference

    def classify(
        self, model: str, inputs: Iterable[Text], *, overflow: Overflow = "error", top_k: int = 0,
        return_logits: bool = False, timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> types.ClassifyAnswer:
        """Classifies texts or pairs of texts: `results[i]` answers `inputs[i]`. `top_k` 0 returns all labels."""
        return self._unary(calls.classify(model, inputs, overflow, top_k, return_logits), timeout, metadata)

    def classify_stream(
        self, requests: Iterable[StreamRequest], *, unordered: bool = False, timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Iterator[types.StreamAnswer]:
        """Many requests on one call, as many at once as the server takes. A failed one does not end the stream.

        Answers come in the order of the requests, or with `unordered` as they are ready. Leaving the loop and closing
        the iterator cancels what is in flight.
        """
        messages = (calls.classify_stream(request, unordered) for request in requests)
        stream = self._stream(calls.INFERENCE + "ClassifyStream", lambda: messages, False, timeout, metadata)
        return decoded(stream, calls.stream_answer)

    def classify_document(
        self, model: str, document: Document, *, window_tokens: int = 0, stride_tokens: int = 0,
        aggregation: Aggregation = "model_default", focus_label: str = "", top_k: int = 0, min_confidence: float = 0.0,
        windows: bool = True, running: bool = True, timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Iterator[types.DocumentEvent]:
        """Classifies a document of any length: windows and running verdicts as they become true, the final one last.

        The document is read one chunk ahead of what the server takes, and the server goes no further than the loop
        does. Leaving the loop and closing the iterator cancels the call. `min_confidence` above 0 stops early at that
        score.
        """
        options = calls.document_options(
            model, window_tokens, stride_tokens, aggregation, focus_label, top_k, min_confidence, windows, running)

        def messages() -> Iterator[bytes]:
            yield options
            for chunk in documents.chunks(document):
                yield calls.document_chunk(chunk)

        stream = self._stream(
            calls.INFERENCE + "ClassifyDocument", messages, documents.can_repeat(document), timeout, metadata)
        return decoded(stream, calls.document_event)

    def embed(
        self, model: str, inputs: Iterable[str | Sequence[int]], *, overflow: Overflow = "error",
        normalize: bool = True, dimensions: int = 0, per_token: bool = False, timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> types.EmbedAnswer:
        """Vectors of texts, or of token ids: `results[i]` answers `inputs[i]`. `dimensions` 0 keeps all values."""
        return self._unary(calls.embed(model, inputs, overflow, normalize, dimensions, per_token), timeout, metadata)

    def tokenize(
        self, model: str, inputs: Iterable[Text], *, add_special_tokens: bool = True, timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> types.TokenizeAnswer:
        """The tokens that the model makes of texts, with their places."""
        return self._unary(calls.tokenize(model, inputs, add_special_tokens), timeout, metadata)

    def detokenize(
        self, model: str, sequences: Iterable[Sequence[int]], *, skip_special_tokens: bool = True,
        timeout: float | None = None, metadata: Mapping[str, str] | None = None,
    ) -> types.DetokenizeAnswer:
        """The texts that token ids stand for."""
        return self._unary(calls.detokenize(model, sequences, skip_special_tokens), timeout, metadata)

    # Models

    def list_models(self, name: str = "", *, timeout: float | None = None) -> list[types.ModelStatus]:
        """Every version of every model, or of the one named."""
        return self._unary(calls.list_models(name), timeout)

    def get_model(self, model: str, *, timeout: float | None = None) -> types.ModelStatus:
        """The version that `model` leads to now."""
        return self._unary(calls.get_model(model), timeout)

    def watch_models(self, name: str = "", *, timeout: float | None = None) -> Iterator[list[types.ModelStatus]]:
        """What `list_models` answers, now and after each change, until the server leaves."""
        call = calls.watch_models(name)
        stream = self._stream(call.path, lambda: iter([call.request]), True, timeout)
        return decoded(stream, call.decode)

    def load_model(self, name: str, *, timeout: float | None = None) -> list[types.ModelStatus]:
        """Looks at the model's folder and loads what its policy wants, also after an unload; waits for it."""
        return self._unary(calls.load_model(name), timeout)

    def unload_model(self, name: str, *, timeout: float | None = None) -> None:
        """Takes a model out of service until it is loaded again; calls in flight finish first."""
        self._unary(calls.unload_model(name), timeout)

    def set_label(self, name: str, label: str, version: int | None, *, timeout: float | None = None) -> None:
        """Points a version label at a ready version; None takes the label away."""
        self._unary(calls.set_label(name, label, version), timeout)

    # Versions, routes and rollouts

    def load_version(self, name: str, version: int, *, timeout: float | None = None) -> types.ModelStatus:
        """Loads one version whatever the server's policy wants, keeps it until `unload_version`, and waits for it."""
        return self._unary(calls_rollout.load_version(name, version), timeout)

    def unload_version(self, name: str, version: int, *, timeout: float | None = None) -> None:
        """Takes one version out of service; refused while a route or a rollout needs it."""
        self._unary(calls_rollout.unload_version(name, version), timeout)

    def clear_quarantine(self, name: str, version: int, *, timeout: float | None = None) -> None:
        """Lets a version that was refused or rolled back be tried again although its bytes are the same."""
        self._unary(calls_rollout.clear_quarantine(name, version), timeout)

    def set_route(
        self, name: str, label: str, route: rollouts.ModelRoute | None, *, timeout: float | None = None
    ) -> None:
        """Replaces the route of a label in one step; None takes it away. `latest` is for calls that name no label."""
        self._unary(calls_rollout.set_route(name, label, route), timeout)

    def list_routes(self, name: str = "", *, timeout: float | None = None) -> list[rollouts.RouteStatus]:
        """Every route of every model, or of the one named, with what its shadow has shown."""
        return self._unary(calls_rollout.list_routes(name), timeout)

    def plan_rollout(self, spec: rollouts.RolloutSpec, *, timeout: float | None = None) -> rollouts.RolloutPlan:
        """What `start_rollout` would do."""
        return self._unary(calls_rollout.plan_rollout(spec), timeout)

    def start_rollout(
        self, spec: rollouts.RolloutSpec, *, timeout: float | None = None
    ) -> rollouts.RolloutStatus:
        """Starts a guarded rollout; `watch_rollouts` follows it."""
        return self._unary(calls_rollout.start_rollout(spec), timeout)

    def list_rollouts(self, name: str = "", *, timeout: float | None = None) -> list[rollouts.RolloutStatus]:
        """Rollouts that go on, and the last one of each route."""
        return self._unary(calls_rollout.list_rollouts(name), timeout)

    def watch_rollouts(
        self, name: str = "", *, timeout: float | None = None
    ) -> Iterator[list[rollouts.RolloutStatus]]:
        """What `list_rollouts` answers, now and after each change, until the server leaves."""
        call = calls_rollout.watch_rollouts(name)
        stream = self._stream(call.path, lambda: iter([call.request]), True, timeout)
        return decoded(stream, call.decode)

    def promote_rollout(
        self, name: str, label: str = "latest", *, timeout: float | None = None
    ) -> rollouts.RolloutStatus:
        """Takes a rollout's next step at once."""
        return self._unary(calls_rollout.promote_rollout(name, label), timeout)

    def rollback(
        self, name: str, label: str = "latest", *, reason: str = "", timeout: float | None = None
    ) -> rollouts.RolloutStatus:
        """Gives a route's calls back to the version that had them before its last rollout."""
        return self._unary(calls_rollout.rollback(name, label, reason), timeout)

    def publish(
        self, folder: str | os.PathLike[str], *, progress: Callable[[rollouts.PublishProgress], None] | None = None,
        timeout: float | None = None,
    ) -> types.ModelIdentity:
        """Uploads a version's folder; returns once the version exists on the server, whole.

        After a lost connection call again: only what the server lacks is sent.
        """
        upload = Upload(folder)
        upload.fit(self.server(timeout=timeout).message_bytes_max)
        for answer in self._stream(calls_rollout.ROLLOUTS + "PublishVersion", upload.messages, True, timeout):
            if (state := upload.take(answer)) and progress:
                progress(state)
        return upload.published()

    # The server

    def statistics(self, name: str = "", *, timeout: float | None = None) -> list[types.ModelStatistics]:
        """What each loaded version has done, or each of the one model named."""
        return self._unary(calls.statistics(name), timeout)

    def server(self, *, timeout: float | None = None) -> types.ServerStatus:
        """What the server tells about itself."""
        return self._unary(calls.server(), timeout)

    def ping(self, *, timeout: float | None = None) -> float:
        """Seconds there and back."""
        start = time.monotonic()
        self._transport.ping(self._defaults.deadline(timeout))
        return time.monotonic() - start

    # How calls run

    def _unary(
        self, call: calls.Call[Answer], timeout: float | None, metadata: Mapping[str, str] | None = None
    ) -> Answer:
        attempts, entries = self._defaults.attempts(timeout), lowered(metadata)
        while True:
            try:
                return call.decode(self._transport.unary(call.path, call.request, attempts.deadline, entries))
            except MartletError as error:
                time.sleep(attempts.wait_after(error, time.monotonic()))

    def _stream(
        self, path: str, requests: Callable[[], Iterator[Request]], can_repeat: bool, timeout: float | None,
        metadata: Mapping[str, str] | None = None,
    ) -> Iterator[bytes]:
        attempts, entries = self._defaults.attempts(timeout), lowered(metadata)
        has_answer = False
        while True:
            try:
                stream = self._transport.stream(path, requests(), attempts.deadline, entries)
                with contextlib.closing(stream) as messages:  # type: ignore[type-var]
                    for message in messages:
                        has_answer = True
                        yield message
                return
            except MartletError as error:
                if has_answer or not can_repeat:
                    raise
                time.sleep(attempts.wait_after(error, time.monotonic()))


def decoded(messages: Iterator[bytes], decode: Callable[[bytes], Answer]) -> Iterator[Answer]:
    with contextlib.closing(messages) as source:  # type: ignore[type-var]
        for message in source:
            yield decode(message)


def lowered(metadata: Mapping[str, str] | None) -> Metadata:
    return [(key.lower(), value) for key, value in (metadata or {}).items()]


def make_transport(kind: str, address: Address, options: Options) -> Transport:
    if kind == "native":
        return NativeTransport(address, options)
    if kind == "grpc":
        from martlet.grpc_transport import GRPCTransport

        return GRPCTransport(address, options)
    raise ValueError(f"transport {kind!r} must be native or grpc")
