from martlet.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

AGGREGATION_FIRST: Aggregation
AGGREGATION_MAX: Aggregation
AGGREGATION_MEAN: Aggregation
AGGREGATION_MODEL_DEFAULT: Aggregation
AGGREGATION_NOISY_OR: Aggregation
AGGREGATION_VOTE: Aggregation
DESCRIPTOR: _descriptor.FileDescriptor
OVERFLOW_ERROR: Overflow
OVERFLOW_TRUNCATE_LEFT: Overflow
OVERFLOW_TRUNCATE_RIGHT: Overflow
OVERFLOW_WINDOW: Overflow

class ClassifyRequest(_message.Message):
    __slots__ = ["inputs", "model", "overflow", "return_logits", "top_k"]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OVERFLOW_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOGITS_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    inputs: _containers.RepeatedCompositeFieldContainer[TextInput]
    model: _types_pb2.ModelReference
    overflow: Overflow
    return_logits: bool
    top_k: int
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelReference, _Mapping]] = ..., inputs: _Optional[_Iterable[_Union[TextInput, _Mapping]]] = ..., overflow: _Optional[_Union[Overflow, str]] = ..., top_k: _Optional[int] = ..., return_logits: bool = ...) -> None: ...

class ClassifyResponse(_message.Message):
    __slots__ = ["model", "results", "timing"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    model: _types_pb2.ModelIdentity
    results: _containers.RepeatedCompositeFieldContainer[TextResult]
    timing: _types_pb2.Timing
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelIdentity, _Mapping]] = ..., results: _Optional[_Iterable[_Union[TextResult, _Mapping]]] = ..., timing: _Optional[_Union[_types_pb2.Timing, _Mapping]] = ...) -> None: ...

class ClassifyStreamRequest(_message.Message):
    __slots__ = ["id", "request", "unordered"]
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    UNORDERED_FIELD_NUMBER: _ClassVar[int]
    id: str
    request: ClassifyRequest
    unordered: bool
    def __init__(self, id: _Optional[str] = ..., request: _Optional[_Union[ClassifyRequest, _Mapping]] = ..., unordered: bool = ...) -> None: ...

class ClassifyStreamResponse(_message.Message):
    __slots__ = ["failure", "id", "response"]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    failure: _types_pb2.Failure
    id: str
    response: ClassifyResponse
    def __init__(self, id: _Optional[str] = ..., response: _Optional[_Union[ClassifyResponse, _Mapping]] = ..., failure: _Optional[_Union[_types_pb2.Failure, _Mapping]] = ...) -> None: ...

class Coverage(_message.Message):
    __slots__ = ["bytes_classified", "bytes_received", "tokens_classified"]
    BYTES_CLASSIFIED_FIELD_NUMBER: _ClassVar[int]
    BYTES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    TOKENS_CLASSIFIED_FIELD_NUMBER: _ClassVar[int]
    bytes_classified: int
    bytes_received: int
    tokens_classified: int
    def __init__(self, bytes_received: _Optional[int] = ..., bytes_classified: _Optional[int] = ..., tokens_classified: _Optional[int] = ...) -> None: ...

class DetokenizeRequest(_message.Message):
    __slots__ = ["keep_special_tokens", "model", "sequences"]
    KEEP_SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    keep_special_tokens: bool
    model: _types_pb2.ModelReference
    sequences: _containers.RepeatedCompositeFieldContainer[TokenIDs]
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelReference, _Mapping]] = ..., sequences: _Optional[_Iterable[_Union[TokenIDs, _Mapping]]] = ..., keep_special_tokens: bool = ...) -> None: ...

class DetokenizeResponse(_message.Message):
    __slots__ = ["model", "texts"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    model: _types_pb2.ModelIdentity
    texts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelIdentity, _Mapping]] = ..., texts: _Optional[_Iterable[str]] = ...) -> None: ...

class DocumentChunk(_message.Message):
    __slots__ = ["data", "options"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    options: DocumentOptions
    def __init__(self, options: _Optional[_Union[DocumentOptions, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class DocumentEvent(_message.Message):
    __slots__ = ["final", "running", "window"]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    final: FinalVerdict
    running: RunningVerdict
    window: WindowResult
    def __init__(self, window: _Optional[_Union[WindowResult, _Mapping]] = ..., running: _Optional[_Union[RunningVerdict, _Mapping]] = ..., final: _Optional[_Union[FinalVerdict, _Mapping]] = ...) -> None: ...

class DocumentOptions(_message.Message):
    __slots__ = ["aggregation", "focus_label", "min_confidence", "model", "omit_running", "omit_windows", "stride_tokens", "top_k", "window_tokens"]
    AGGREGATION_FIELD_NUMBER: _ClassVar[int]
    FOCUS_LABEL_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OMIT_RUNNING_FIELD_NUMBER: _ClassVar[int]
    OMIT_WINDOWS_FIELD_NUMBER: _ClassVar[int]
    STRIDE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    WINDOW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    aggregation: Aggregation
    focus_label: str
    min_confidence: float
    model: _types_pb2.ModelReference
    omit_running: bool
    omit_windows: bool
    stride_tokens: int
    top_k: int
    window_tokens: int
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelReference, _Mapping]] = ..., window_tokens: _Optional[int] = ..., stride_tokens: _Optional[int] = ..., aggregation: _Optional[_Union[Aggregation, str]] = ..., focus_label: _Optional[str] = ..., top_k: _Optional[int] = ..., min_confidence: _Optional[float] = ..., omit_windows: bool = ..., omit_running: bool = ...) -> None: ...

class EmbedInput(_message.Message):
    __slots__ = ["text", "token_ids"]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    text: str
    token_ids: TokenIDs
    def __init__(self, text: _Optional[str] = ..., token_ids: _Optional[_Union[TokenIDs, _Mapping]] = ...) -> None: ...

class EmbedRequest(_message.Message):
    __slots__ = ["dimensions", "inputs", "model", "overflow", "per_token", "skip_normalize"]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OVERFLOW_FIELD_NUMBER: _ClassVar[int]
    PER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SKIP_NORMALIZE_FIELD_NUMBER: _ClassVar[int]
    dimensions: int
    inputs: _containers.RepeatedCompositeFieldContainer[EmbedInput]
    model: _types_pb2.ModelReference
    overflow: Overflow
    per_token: bool
    skip_normalize: bool
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelReference, _Mapping]] = ..., inputs: _Optional[_Iterable[_Union[EmbedInput, _Mapping]]] = ..., overflow: _Optional[_Union[Overflow, str]] = ..., skip_normalize: bool = ..., dimensions: _Optional[int] = ..., per_token: bool = ...) -> None: ...

class EmbedResponse(_message.Message):
    __slots__ = ["model", "results", "timing"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    model: _types_pb2.ModelIdentity
    results: _containers.RepeatedCompositeFieldContainer[EmbedResult]
    timing: _types_pb2.Timing
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelIdentity, _Mapping]] = ..., results: _Optional[_Iterable[_Union[EmbedResult, _Mapping]]] = ..., timing: _Optional[_Union[_types_pb2.Timing, _Mapping]] = ...) -> None: ...

class EmbedResult(_message.Message):
    __slots__ = ["rows", "tokens_read", "tokens_total", "truncated", "values"]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_READ_FIELD_NUMBER: _ClassVar[int]
    TOKENS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    rows: int
    tokens_read: int
    tokens_total: int
    truncated: bool
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ..., rows: _Optional[int] = ..., tokens_read: _Optional[int] = ..., tokens_total: _Optional[int] = ..., truncated: bool = ...) -> None: ...

class FinalVerdict(_message.Message):
    __slots__ = ["aggregation", "coverage", "evidence", "label", "model", "scores", "stopped_early", "timing", "windows"]
    AGGREGATION_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    STOPPED_EARLY_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    aggregation: Aggregation
    coverage: Coverage
    evidence: WindowResult
    label: str
    model: _types_pb2.ModelIdentity
    scores: _containers.RepeatedCompositeFieldContainer[_types_pb2.LabelScore]
    stopped_early: bool
    timing: _types_pb2.Timing
    windows: int
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelIdentity, _Mapping]] = ..., label: _Optional[str] = ..., scores: _Optional[_Iterable[_Union[_types_pb2.LabelScore, _Mapping]]] = ..., windows: _Optional[int] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ..., stopped_early: bool = ..., aggregation: _Optional[_Union[Aggregation, str]] = ..., evidence: _Optional[_Union[WindowResult, _Mapping]] = ..., timing: _Optional[_Union[_types_pb2.Timing, _Mapping]] = ...) -> None: ...

class RunningVerdict(_message.Message):
    __slots__ = ["coverage", "scores", "windows"]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    coverage: Coverage
    scores: _containers.RepeatedCompositeFieldContainer[_types_pb2.LabelScore]
    windows: int
    def __init__(self, windows: _Optional[int] = ..., scores: _Optional[_Iterable[_Union[_types_pb2.LabelScore, _Mapping]]] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ...) -> None: ...

class TextInput(_message.Message):
    __slots__ = ["pair", "text"]
    PAIR_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    pair: str
    text: str
    def __init__(self, text: _Optional[str] = ..., pair: _Optional[str] = ...) -> None: ...

class TextResult(_message.Message):
    __slots__ = ["logits", "scores", "tokens_read", "tokens_total", "truncated", "windows"]
    LOGITS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    TOKENS_READ_FIELD_NUMBER: _ClassVar[int]
    TOKENS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    logits: _containers.RepeatedScalarFieldContainer[float]
    scores: _containers.RepeatedCompositeFieldContainer[_types_pb2.LabelScore]
    tokens_read: int
    tokens_total: int
    truncated: bool
    windows: int
    def __init__(self, scores: _Optional[_Iterable[_Union[_types_pb2.LabelScore, _Mapping]]] = ..., logits: _Optional[_Iterable[float]] = ..., tokens_read: _Optional[int] = ..., tokens_total: _Optional[int] = ..., truncated: bool = ..., windows: _Optional[int] = ...) -> None: ...

class TextSpan(_message.Message):
    __slots__ = ["byte_end", "byte_start", "character_end", "character_start"]
    BYTE_END_FIELD_NUMBER: _ClassVar[int]
    BYTE_START_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_END_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_START_FIELD_NUMBER: _ClassVar[int]
    byte_end: int
    byte_start: int
    character_end: int
    character_start: int
    def __init__(self, byte_start: _Optional[int] = ..., byte_end: _Optional[int] = ..., character_start: _Optional[int] = ..., character_end: _Optional[int] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ["id", "span", "special", "text", "type_id"]
    ID_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    span: TextSpan
    special: bool
    text: str
    type_id: int
    def __init__(self, id: _Optional[int] = ..., text: _Optional[str] = ..., special: bool = ..., type_id: _Optional[int] = ..., span: _Optional[_Union[TextSpan, _Mapping]] = ...) -> None: ...

class TokenIDs(_message.Message):
    __slots__ = ["ids"]
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, ids: _Optional[_Iterable[int]] = ...) -> None: ...

class TokenList(_message.Message):
    __slots__ = ["tokens"]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    def __init__(self, tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ...) -> None: ...

class TokenizeRequest(_message.Message):
    __slots__ = ["inputs", "model", "skip_special_tokens"]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SKIP_SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    inputs: _containers.RepeatedCompositeFieldContainer[TextInput]
    model: _types_pb2.ModelReference
    skip_special_tokens: bool
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelReference, _Mapping]] = ..., inputs: _Optional[_Iterable[_Union[TextInput, _Mapping]]] = ..., skip_special_tokens: bool = ...) -> None: ...

class TokenizeResponse(_message.Message):
    __slots__ = ["model", "results"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    model: _types_pb2.ModelIdentity
    results: _containers.RepeatedCompositeFieldContainer[TokenList]
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelIdentity, _Mapping]] = ..., results: _Optional[_Iterable[_Union[TokenList, _Mapping]]] = ...) -> None: ...

class WindowResult(_message.Message):
    __slots__ = ["index", "scores", "span", "tokens"]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    index: int
    scores: _containers.RepeatedCompositeFieldContainer[_types_pb2.LabelScore]
    span: TextSpan
    tokens: int
    def __init__(self, index: _Optional[int] = ..., span: _Optional[_Union[TextSpan, _Mapping]] = ..., tokens: _Optional[int] = ..., scores: _Optional[_Iterable[_Union[_types_pb2.LabelScore, _Mapping]]] = ...) -> None: ...

class Overflow(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class Aggregation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
