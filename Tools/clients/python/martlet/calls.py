"""Every call: its name, its request's bytes, and what its answers become. Knows no connection."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from martlet import types
from martlet.errors import MartletError
from martlet.protocol import failure, parse
from martlet.types import Aggregation, Overflow, State
from martlet.v1 import inference_pb2 as inference
from martlet.v1 import models_pb2 as models
from martlet.v1 import types_pb2 as shared

Answer = TypeVar("Answer")
Text: TypeAlias = str | tuple[str, str]
"""A text, or a pair of texts that the model reads as one."""

INFERENCE, MODELS = "/martlet.v1.InferenceService/", "/martlet.v1.ModelService/"


@dataclasses.dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request, and how each of its answers is read."""

    path: str
    request: bytes
    decode: Callable[[bytes], Answer]


@dataclasses.dataclass(frozen=True)
class StreamRequest:
    """One request of `classify_stream`; its answer carries its `id`."""

    id: str
    model: str
    inputs: Sequence[Text]
    overflow: Overflow = "error"
    top_k: int = 0
    return_logits: bool = False


# Inference


def classify(
    model: str, inputs: Iterable[Text], overflow: Overflow, top_k: int, return_logits: bool
) -> Call[types.ClassifyAnswer]:
    request = classify_request(model, inputs, overflow, top_k, return_logits)
    return Call(
        INFERENCE + "Classify", request.SerializeToString(),
        lambda data: classify_answer(parse(data, inference.ClassifyResponse)))


def classify_stream(request: StreamRequest, unordered: bool) -> bytes:
    message = inference.ClassifyStreamRequest(
        id=request.id, unordered=unordered,
        request=classify_request(
            request.model, request.inputs, request.overflow, request.top_k, request.return_logits))
    return message.SerializeToString()


def stream_answer(data: bytes) -> types.StreamAnswer:
    message = parse(data, inference.ClassifyStreamResponse)
    if message.WhichOneof("outcome") == "response":
        return types.StreamAnswer(message.id, classify_answer(message.response), None)
    failed = message.failure
    return types.StreamAnswer(message.id, None, failure(failed.code or 2, failed.message, failed.retry_after_ms))


def document_options(
    model: str, window_tokens: int, stride_tokens: int, aggregation: Aggregation, focus_label: str, top_k: int,
    min_confidence: float, windows: bool, running: bool,
) -> bytes:
    options = inference.DocumentOptions(
        model=reference(model), window_tokens=window_tokens, stride_tokens=stride_tokens,
        aggregation=number(inference.Aggregation, "AGGREGATION", aggregation), focus_label=focus_label, top_k=top_k,
        min_confidence=min_confidence, omit_windows=not windows, omit_running=not running)
    return inference.DocumentChunk(options=options).SerializeToString()


def document_chunk(data: bytes) -> bytes:
    return inference.DocumentChunk(data=data).SerializeToString()


def document_event(data: bytes) -> types.DocumentEvent:
    event = parse(data, inference.DocumentEvent)
    kind = event.WhichOneof("kind")
    if kind == "window":
        return window(event.window)
    if kind == "running":
        return types.RunningVerdict(
            event.running.windows, scores(event.running.scores), coverage(event.running.coverage))
    if kind == "final":
        final = event.final
        return types.FinalVerdict(
            identity(final.model), final.label, scores(final.scores), final.windows, coverage(final.coverage),
            final.stopped_early, name(inference.Aggregation, "AGGREGATION", final.aggregation),
            window(final.evidence) if final.HasField("evidence") else None, timing(final.timing))
    raise MartletError(13, "the server sent a DocumentEvent of no known kind")


def embed(
    model: str, inputs: Iterable[str | Sequence[int]], overflow: Overflow, normalize: bool, dimensions: int,
    per_token: bool,
) -> Call[types.EmbedAnswer]:
    request = inference.EmbedRequest(
        model=reference(model), inputs=[embed_input(one) for one in inputs],
        overflow=number(inference.Overflow, "OVERFLOW", overflow), skip_normalize=not normalize,
        dimensions=dimensions, per_token=per_token)

    def decode(data: bytes) -> types.EmbedAnswer:
        answer = parse(data, inference.EmbedResponse)
        results = (
            types.EmbedResult(tuple(one.values), one.rows, one.tokens_read, one.tokens_total, one.truncated)
            for one in answer.results)
        return types.EmbedAnswer(identity(answer.model), tuple(results), timing(answer.timing))

    return Call(INFERENCE + "Embed", request.SerializeToString(), decode)


def embed_input(one: str | Sequence[int]) -> inference.EmbedInput:
    if isinstance(one, str):
        return inference.EmbedInput(text=one)
    return inference.EmbedInput(token_ids=inference.TokenIDs(ids=one))


def tokenize(model: str, inputs: Iterable[Text], add_special_tokens: bool) -> Call[types.TokenizeAnswer]:
    request = inference.TokenizeRequest(
        model=reference(model), inputs=[text_input(one) for one in inputs],
        skip_special_tokens=not add_special_tokens)

    def decode(data: bytes) -> types.TokenizeAnswer:
        answer = parse(data, inference.TokenizeResponse)
        return types.TokenizeAnswer(
            identity(answer.model), tuple(tuple(token(one) for one in result.tokens) for result in answer.results))

    return Call(INFERENCE + "Tokenize", request.SerializeToString(), decode)


def detokenize(
    model: str, sequences: Iterable[Sequence[int]], skip_special_tokens: bool
) -> Call[types.DetokenizeAnswer]:
    request = inference.DetokenizeRequest(
        model=reference(model), sequences=[inference.TokenIDs(ids=ids) for ids in sequences],
        keep_special_tokens=not skip_special_tokens)

    def decode(data: bytes) -> types.DetokenizeAnswer:
        answer = parse(data, inference.DetokenizeResponse)
        return types.DetokenizeAnswer(identity(answer.model), tuple(answer.texts))

    return Call(INFERENCE + "Detokenize", request.SerializeToString(), decode)


# Models


def list_models(name: str) -> Call[list[types.ModelStatus]]:
    return Call(MODELS + "ListModels", models.ListModelsRequest(name=name).SerializeToString(), statuses)


def watch_models(name: str) -> Call[list[types.ModelStatus]]:
    return Call(MODELS + "WatchModels", models.WatchModelsRequest(name=name).SerializeToString(), statuses)


def get_model(model: str) -> Call[types.ModelStatus]:
    request = models.GetModelRequest(model=reference(model))
    return Call(
        MODELS + "GetModel", request.SerializeToString(), lambda data: status(parse(data, models.ModelStatus)))


def load_model(name: str) -> Call[list[types.ModelStatus]]:
    def decode(data: bytes) -> list[types.ModelStatus]:
        return [status(one) for one in parse(data, models.LoadModelResponse).models]

    return Call(MODELS + "LoadModel", models.LoadModelRequest(name=name).SerializeToString(), decode)


def unload_model(name: str) -> Call[None]:
    return Call(MODELS + "UnloadModel", models.UnloadModelRequest(name=name).SerializeToString(), lambda _: None)


def set_label(name: str, label: str, version: int | None) -> Call[None]:
    request = models.SetLabelRequest(name=name, label=label, version=version or 0)
    return Call(MODELS + "SetLabel", request.SerializeToString(), lambda _: None)


def statistics(name: str) -> Call[list[types.ModelStatistics]]:
    def decode(data: bytes) -> list[types.ModelStatistics]:
        return [
            types.ModelStatistics(
                one.name, one.version, one.calls, one.failures, one.texts, one.batches, one.tokens,
                one.queue_us / 1e6, one.tokenize_us / 1e6, one.compute_us / 1e6, one.batch_compute_us / 1e6,
                one.call_us / 1e6, one.last_used_ms / 1e3)
            for one in parse(data, models.GetStatisticsResponse).models]

    return Call(MODELS + "GetStatistics", models.GetStatisticsRequest(name=name).SerializeToString(), decode)


def server() -> Call[types.ServerStatus]:
    def decode(data: bytes) -> types.ServerStatus:
        one = parse(data, models.ServerStatus)
        return types.ServerStatus(
            one.software, one.ready, one.compute_threads, one.cpu_level, one.queue_tokens_max, one.batch_tokens_max,
            one.texts_per_request_max, one.message_bytes_max)

    return Call(MODELS + "GetServer", b"", decode)


# Parts of requests


def reference(text: str) -> shared.ModelReference:
    """`guard` (the latest), `guard@3` (a version) or `guard:stable` (a version label)."""
    own, at, version = text.partition("@")
    own, colon, label = own.partition(":")
    if (at and not version.isdecimal()) or (colon and not label) or (at and colon):
        raise ValueError(f"{text!r} names no model: write name, name@version or name:label")
    return shared.ModelReference(name=own, label=label or None, version=int(version) if at else None)


def text_input(one: Text) -> inference.TextInput:
    if isinstance(one, str):
        return inference.TextInput(text=one)
    return inference.TextInput(text=one[0], pair=one[1])


def classify_request(
    model: str, inputs: Iterable[Text], overflow: Overflow, top_k: int, return_logits: bool
) -> inference.ClassifyRequest:
    if isinstance(inputs, str):
        raise TypeError("inputs must be a list of texts; write [text] for one")
    return inference.ClassifyRequest(
        model=reference(model), inputs=[text_input(one) for one in inputs],
        overflow=number(inference.Overflow, "OVERFLOW", overflow), top_k=top_k, return_logits=return_logits)


def number(kind: Any, prefix: str, value: str) -> Any:
    try:
        return kind.Value(f"{prefix}_{value.upper()}")
    except ValueError:
        known = ", ".join(name.removeprefix(prefix + "_").lower() for name in kind.keys())
        raise ValueError(f"{value!r} must be one of {known}") from None


# Parts of answers


def name(kind: Any, prefix: str, value: int) -> str:
    try:
        own: str = kind.Name(value)
    except ValueError:  # a server newer than this client
        return str(value)
    return own.removeprefix(prefix + "_").lower()


def identity(one: shared.ModelIdentity) -> types.ModelIdentity:
    return types.ModelIdentity(one.name, one.version, one.label, one.digest)


def timing(one: shared.Timing) -> types.Timing:
    return types.Timing(one.queue_us / 1e6, one.tokenize_us / 1e6, one.compute_us / 1e6, one.total_us / 1e6)


def scores(list_: Iterable[shared.LabelScore]) -> tuple[types.LabelScore, ...]:
    return tuple(types.LabelScore(one.label, one.index, one.score) for one in list_)


def span(one: inference.TextSpan) -> types.Span:
    return types.Span(one.byte_start, one.byte_end, one.character_start, one.character_end)


def window(one: inference.WindowResult) -> types.WindowResult:
    return types.WindowResult(one.index, span(one.span), one.tokens, scores(one.scores))


def coverage(one: inference.Coverage) -> types.Coverage:
    return types.Coverage(one.bytes_received, one.bytes_classified, one.tokens_classified)


def classify_answer(answer: inference.ClassifyResponse) -> types.ClassifyAnswer:
    results = (
        types.TextResult(
            scores(one.scores), tuple(one.logits), one.tokens_read, one.tokens_total, one.truncated, one.windows)
        for one in answer.results)
    return types.ClassifyAnswer(identity(answer.model), tuple(results), timing(answer.timing))


def token(one: inference.Token) -> types.Token:
    place = span(one.span) if one.HasField("span") else None
    return types.Token(one.id, one.text, one.special, one.type_id, place)


def statuses(data: bytes) -> list[types.ModelStatus]:
    return [status(one) for one in parse(data, models.ListModelsResponse).models]


def status(one: models.ModelStatus) -> types.ModelStatus:
    state: State = name(models.VersionState, "VERSION_STATE", one.state)  # type: ignore[assignment]
    return types.ModelStatus(
        one.name, one.version, state, one.reason, tuple(one.version_labels), one.digest, tuple(one.class_labels),
        one.task, one.max_tokens, one.memory_bytes, one.leases, one.problem_type, one.dimensions, one.vocabulary_size,
        one.architecture, one.precision, one.quarantined)
