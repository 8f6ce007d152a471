from martlet.v1 import models_pb2 as _models_pb2
from martlet.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
ROLLOUT_PHASE_BAKING: RolloutPhase
ROLLOUT_PHASE_COMPLETED: RolloutPhase
ROLLOUT_PHASE_FAILED: RolloutPhase
ROLLOUT_PHASE_LOADING: RolloutPhase
ROLLOUT_PHASE_ROLLED_BACK: RolloutPhase
ROLLOUT_PHASE_SHADOWING: RolloutPhase
ROLLOUT_PHASE_UNSPECIFIED: RolloutPhase

class ClearQuarantineRequest(_message.Message):
    __slots__ = ["name", "version"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ClearQuarantineResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class HeldFile(_message.Message):
    __slots__ = ["bytes", "name"]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    name: str
    def __init__(self, name: _Optional[str] = ..., bytes: _Optional[int] = ...) -> None: ...

class HeldFiles(_message.Message):
    __slots__ = ["files"]
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[HeldFile]
    def __init__(self, files: _Optional[_Iterable[_Union[HeldFile, _Mapping]]] = ...) -> None: ...

class ListRolloutsRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListRolloutsResponse(_message.Message):
    __slots__ = ["rollouts"]
    ROLLOUTS_FIELD_NUMBER: _ClassVar[int]
    rollouts: _containers.RepeatedCompositeFieldContainer[RolloutStatus]
    def __init__(self, rollouts: _Optional[_Iterable[_Union[RolloutStatus, _Mapping]]] = ...) -> None: ...

class ListRoutesRequest(_message.Message):
    __slots__ = ["name"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListRoutesResponse(_message.Message):
    __slots__ = ["routes"]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    routes: _containers.RepeatedCompositeFieldContainer[RouteStatus]
    def __init__(self, routes: _Optional[_Iterable[_Union[RouteStatus, _Mapping]]] = ...) -> None: ...

class LoadVersionRequest(_message.Message):
    __slots__ = ["name", "version"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ModelRoute(_message.Message):
    __slots__ = ["shadow", "sticky_key", "targets"]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    STICKY_KEY_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    shadow: RouteShadow
    sticky_key: str
    targets: _containers.RepeatedCompositeFieldContainer[RouteTarget]
    def __init__(self, targets: _Optional[_Iterable[_Union[RouteTarget, _Mapping]]] = ..., sticky_key: _Optional[str] = ..., shadow: _Optional[_Union[RouteShadow, _Mapping]] = ...) -> None: ...

class PromoteRolloutRequest(_message.Message):
    __slots__ = ["label", "name"]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    label: str
    name: str
    def __init__(self, name: _Optional[str] = ..., label: _Optional[str] = ...) -> None: ...

class PublishBegin(_message.Message):
    __slots__ = ["manifest", "signature"]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    manifest: bytes
    signature: bytes
    def __init__(self, manifest: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class PublishBytes(_message.Message):
    __slots__ = ["data", "file", "offset", "zlib_data"]
    DATA_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ZLIB_DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    file: str
    offset: int
    zlib_data: bytes
    def __init__(self, file: _Optional[str] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ..., zlib_data: _Optional[bytes] = ...) -> None: ...

class PublishEvent(_message.Message):
    __slots__ = ["held", "published", "received_bytes"]
    HELD_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_BYTES_FIELD_NUMBER: _ClassVar[int]
    held: HeldFiles
    published: _types_pb2.ModelIdentity
    received_bytes: int
    def __init__(self, held: _Optional[_Union[HeldFiles, _Mapping]] = ..., received_bytes: _Optional[int] = ..., published: _Optional[_Union[_types_pb2.ModelIdentity, _Mapping]] = ...) -> None: ...

class PublishPart(_message.Message):
    __slots__ = ["begin", "bytes"]
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    begin: PublishBegin
    bytes: PublishBytes
    def __init__(self, begin: _Optional[_Union[PublishBegin, _Mapping]] = ..., bytes: _Optional[_Union[PublishBytes, _Mapping]] = ...) -> None: ...

class RollbackRequest(_message.Message):
    __slots__ = ["label", "name", "reason"]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    label: str
    name: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., label: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RolloutObservation(_message.Message):
    __slots__ = ["broken", "count", "limit", "rule", "value"]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    broken: bool
    count: int
    limit: float
    rule: str
    value: float
    def __init__(self, rule: _Optional[str] = ..., value: _Optional[float] = ..., limit: _Optional[float] = ..., count: _Optional[int] = ..., broken: bool = ...) -> None: ...

class RolloutPlan(_message.Message):
    __slots__ = ["current", "loads", "memory_left", "memory_needed", "problems", "stages", "to"]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    LOADS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LEFT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_NEEDED_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    current: ModelRoute
    loads: bool
    memory_left: int
    memory_needed: int
    problems: _containers.RepeatedScalarFieldContainer[str]
    stages: _containers.RepeatedCompositeFieldContainer[ModelRoute]
    to: int
    def __init__(self, to: _Optional[int] = ..., current: _Optional[_Union[ModelRoute, _Mapping]] = ..., stages: _Optional[_Iterable[_Union[ModelRoute, _Mapping]]] = ..., loads: bool = ..., memory_needed: _Optional[int] = ..., memory_left: _Optional[int] = ..., problems: _Optional[_Iterable[str]] = ..., **kwargs) -> None: ...

class RolloutRules(_message.Message):
    __slots__ = ["calls_min", "disagreement_max", "error_rate_max", "p99_ratio_max", "window_ms"]
    CALLS_MIN_FIELD_NUMBER: _ClassVar[int]
    DISAGREEMENT_MAX_FIELD_NUMBER: _ClassVar[int]
    ERROR_RATE_MAX_FIELD_NUMBER: _ClassVar[int]
    P99_RATIO_MAX_FIELD_NUMBER: _ClassVar[int]
    WINDOW_MS_FIELD_NUMBER: _ClassVar[int]
    calls_min: int
    disagreement_max: float
    error_rate_max: float
    p99_ratio_max: float
    window_ms: int
    def __init__(self, error_rate_max: _Optional[float] = ..., p99_ratio_max: _Optional[float] = ..., disagreement_max: _Optional[float] = ..., calls_min: _Optional[int] = ..., window_ms: _Optional[int] = ...) -> None: ...

class RolloutSpec(_message.Message):
    __slots__ = ["keep_old_ms", "label", "model", "rules", "shadow_percent", "steps", "sticky_key", "version"]
    KEEP_OLD_MS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    SHADOW_PERCENT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STICKY_KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    keep_old_ms: int
    label: str
    model: str
    rules: RolloutRules
    shadow_percent: float
    steps: _containers.RepeatedCompositeFieldContainer[RolloutStep]
    sticky_key: str
    version: int
    def __init__(self, model: _Optional[str] = ..., label: _Optional[str] = ..., version: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[RolloutStep, _Mapping]]] = ..., shadow_percent: _Optional[float] = ..., sticky_key: _Optional[str] = ..., rules: _Optional[_Union[RolloutRules, _Mapping]] = ..., keep_old_ms: _Optional[int] = ...) -> None: ...

class RolloutStatus(_message.Message):
    __slots__ = ["observations", "percent", "phase", "reason", "remaining_ms", "spec", "step"]
    FROM_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REMAINING_MS_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    observations: _containers.RepeatedCompositeFieldContainer[RolloutObservation]
    percent: float
    phase: RolloutPhase
    reason: str
    remaining_ms: int
    spec: RolloutSpec
    step: int
    def __init__(self, spec: _Optional[_Union[RolloutSpec, _Mapping]] = ..., phase: _Optional[_Union[RolloutPhase, str]] = ..., step: _Optional[int] = ..., percent: _Optional[float] = ..., remaining_ms: _Optional[int] = ..., reason: _Optional[str] = ..., observations: _Optional[_Iterable[_Union[RolloutObservation, _Mapping]]] = ..., **kwargs) -> None: ...

class RolloutStep(_message.Message):
    __slots__ = ["bake_ms", "percent"]
    BAKE_MS_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    bake_ms: int
    percent: float
    def __init__(self, percent: _Optional[float] = ..., bake_ms: _Optional[int] = ...) -> None: ...

class RouteShadow(_message.Message):
    __slots__ = ["percent", "version"]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    percent: float
    version: int
    def __init__(self, version: _Optional[int] = ..., percent: _Optional[float] = ...) -> None: ...

class RouteStatus(_message.Message):
    __slots__ = ["comparison", "label", "name", "route"]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    comparison: ShadowComparison
    label: str
    name: str
    route: ModelRoute
    def __init__(self, name: _Optional[str] = ..., label: _Optional[str] = ..., route: _Optional[_Union[ModelRoute, _Mapping]] = ..., comparison: _Optional[_Union[ShadowComparison, _Mapping]] = ...) -> None: ...

class RouteTarget(_message.Message):
    __slots__ = ["version", "weight"]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    version: int
    weight: int
    def __init__(self, version: _Optional[int] = ..., weight: _Optional[int] = ...) -> None: ...

class SetRouteRequest(_message.Message):
    __slots__ = ["label", "name", "route"]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    label: str
    name: str
    route: ModelRoute
    def __init__(self, name: _Optional[str] = ..., label: _Optional[str] = ..., route: _Optional[_Union[ModelRoute, _Mapping]] = ...) -> None: ...

class SetRouteResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ShadowComparison(_message.Message):
    __slots__ = ["agreed", "caller_p50_us", "caller_p99_us", "drift", "drift_bounds", "drift_max", "failures", "shadow_p50_us", "shadow_p99_us", "skipped", "texts", "version"]
    AGREED_FIELD_NUMBER: _ClassVar[int]
    CALLER_P50_US_FIELD_NUMBER: _ClassVar[int]
    CALLER_P99_US_FIELD_NUMBER: _ClassVar[int]
    DRIFT_BOUNDS_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    DRIFT_MAX_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    SHADOW_P50_US_FIELD_NUMBER: _ClassVar[int]
    SHADOW_P99_US_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    agreed: int
    caller_p50_us: int
    caller_p99_us: int
    drift: _containers.RepeatedScalarFieldContainer[int]
    drift_bounds: _containers.RepeatedScalarFieldContainer[float]
    drift_max: float
    failures: int
    shadow_p50_us: int
    shadow_p99_us: int
    skipped: int
    texts: int
    version: int
    def __init__(self, version: _Optional[int] = ..., texts: _Optional[int] = ..., agreed: _Optional[int] = ..., failures: _Optional[int] = ..., skipped: _Optional[int] = ..., drift_bounds: _Optional[_Iterable[float]] = ..., drift: _Optional[_Iterable[int]] = ..., drift_max: _Optional[float] = ..., caller_p50_us: _Optional[int] = ..., caller_p99_us: _Optional[int] = ..., shadow_p50_us: _Optional[int] = ..., shadow_p99_us: _Optional[int] = ...) -> None: ...

class UnloadVersionRequest(_message.Message):
    __slots__ = ["name", "version"]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class UnloadVersionResponse(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class RolloutPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
