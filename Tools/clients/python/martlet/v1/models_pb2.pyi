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

class ModelStatus(_message.Message):
    __slots__ = ["class_labels", "digest", "leases", "max_tokens", "memory_bytes", "name", "reason", "state", "task", "version", "version_labels"]
    CLASS_LABELS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_LABELS_FIELD_NUMBER: _ClassVar[int]
    class_labels: _containers.RepeatedScalarFieldContainer[str]
    digest: str
    leases: int
    max_tokens: int
    memory_bytes: int
    name: str
    reason: str
    state: VersionState
    task: str
    version: int
    version_labels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[_Union[VersionState, str]] = ..., reason: _Optional[str] = ..., version_labels: _Optional[_Iterable[str]] = ..., digest: _Optional[str] = ..., class_labels: _Optional[_Iterable[str]] = ..., task: _Optional[str] = ..., max_tokens: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., leases: _Optional[int] = ...) -> None: ...

class VersionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
