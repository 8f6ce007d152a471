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

class Coverage(_message.Message):
    __slots__ = ["bytes_classified", "bytes_received", "tokens_classified"]
    BYTES_CLASSIFIED_FIELD_NUMBER: _ClassVar[int]
    BYTES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    TOKENS_CLASSIFIED_FIELD_NUMBER: _ClassVar[int]
    bytes_classified: int
    bytes_received: int
    tokens_classified: int
    def __init__(self, bytes_received: _Optional[int] = ..., bytes_classified: _Optional[int] = ..., tokens_classified: _Optional[int] = ...) -> None: ...

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
