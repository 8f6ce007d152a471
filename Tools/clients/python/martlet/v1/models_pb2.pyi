from martlet.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
VERSION_STATE_DISCOVERED: VersionState
VERSION_STATE_DRAINING: VersionState
VERSION_STATE_FAILED: VersionState
VERSION_STATE_LOADING: VersionState
VERSION_STATE_READY: VersionState
VERSION_STATE_UNLOADED: VersionState
VERSION_STATE_UNSPECIFIED: VersionState
VERSION_STATE_VERIFYING: VersionState
VERSION_STATE_WARMING: VersionState

class GetModelRequest(_message.Message):
    __slots__ = ["model"]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _types_pb2.ModelReference
    def __init__(self, model: _Optional[_Union[_types_pb2.ModelReference, _Mapping]] = ...) -> None: ...

class GetServerRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetStatisticsRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetStatisticsResponse(_message.Message):
    __slots__ = ["models"]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelStatistics]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelStatistics, _Mapping]]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ["models"]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelStatus]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelStatus, _Mapping]]] = ...) -> None: ...

class LoadModelRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class LoadModelResponse(_message.Message):
    __slots__ = ["models"]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelStatus]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelStatus, _Mapping]]] = ...) -> None: ...

class ModelStatistics(_message.Message):
    __slots__ = ["batch_compute_us", "batches", "call_us", "calls", "compute_us", "failures", "last_used_ms", "name", "queue_us", "texts", "tokenize_us", "tokens", "version"]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    BATCH_COMPUTE_US_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    CALL_US_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_US_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_MS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUEUE_US_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    TOKENIZE_US_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    batch_compute_us: int
    batches: int
    call_us: int
    calls: int
    compute_us: int
    failures: int
    last_used_ms: int
    name: str
    queue_us: int
    texts: int
    tokenize_us: int
    tokens: int
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., calls: _Optional[int] = ..., failures: _Optional[int] = ..., texts: _Optional[int] = ..., batches: _Optional[int] = ..., tokens: _Optional[int] = ..., queue_us: _Optional[int] = ..., tokenize_us: _Optional[int] = ..., compute_us: _Optional[int] = ..., last_used_ms: _Optional[int] = ..., batch_compute_us: _Optional[int] = ..., call_us: _Optional[int] = ...) -> None: ...

class ModelStatus(_message.Message):
    __slots__ = ["architecture", "class_labels", "digest", "dimensions", "leases", "max_tokens", "memory_bytes", "name", "precision", "problem_type", "quarantined", "reason", "state", "task", "version", "version_labels", "vocabulary_size"]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    CLASS_LABELS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_TYPE_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_LABELS_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_SIZE_FIELD_NUMBER: _ClassVar[int]
    architecture: str
    class_labels: _containers.RepeatedScalarFieldContainer[str]
    digest: str
    dimensions: int
    leases: int
    max_tokens: int
    memory_bytes: int
    name: str
    precision: str
    problem_type: str
    quarantined: bool
    reason: str
    state: VersionState
    task: str
    version: int
    version_labels: _containers.RepeatedScalarFieldContainer[str]
    vocabulary_size: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[_Union[VersionState, str]] = ..., reason: _Optional[str] = ..., version_labels: _Optional[_Iterable[str]] = ..., digest: _Optional[str] = ..., class_labels: _Optional[_Iterable[str]] = ..., task: _Optional[str] = ..., max_tokens: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., leases: _Optional[int] = ..., problem_type: _Optional[str] = ..., dimensions: _Optional[int] = ..., vocabulary_size: _Optional[int] = ..., architecture: _Optional[str] = ..., precision: _Optional[str] = ..., quarantined: bool = ...) -> None: ...

class ServerStatus(_message.Message):
    __slots__ = ["batch_tokens_max", "compute_threads", "cpu_level", "message_bytes_max", "queue_tokens_max", "ready", "software", "texts_per_request_max"]
    BATCH_TOKENS_MAX_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_THREADS_FIELD_NUMBER: _ClassVar[int]
    CPU_LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    QUEUE_TOKENS_MAX_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_FIELD_NUMBER: _ClassVar[int]
    TEXTS_PER_REQUEST_MAX_FIELD_NUMBER: _ClassVar[int]
    batch_tokens_max: int
    compute_threads: int
    cpu_level: str
    message_bytes_max: int
    queue_tokens_max: int
    ready: bool
    software: str
    texts_per_request_max: int
    def __init__(self, software: _Optional[str] = ..., ready: bool = ..., compute_threads: _Optional[int] = ..., cpu_level: _Optional[str] = ..., queue_tokens_max: _Optional[int] = ..., batch_tokens_max: _Optional[int] = ..., texts_per_request_max: _Optional[int] = ..., message_bytes_max: _Optional[int] = ...) -> None: ...

class SetLabelRequest(_message.Message):
    __slots__ = ["label", "name", "version"]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    label: str
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., label: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class SetLabelResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class UnloadModelRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UnloadModelResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class WatchModelsRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class VersionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
