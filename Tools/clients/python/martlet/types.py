"""What the server answers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from martlet.errors import MartletError

Overflow: TypeAlias = Literal["error", "truncate_right", "truncate_left", "window"]
"""What to do with a text of more tokens than the model reads at once; nothing is cut unasked."""
Aggregation: TypeAlias = Literal["model_default", "mean", "max", "noisy_or", "first", "vote"]
State: TypeAlias = Literal[
    "unspecified", "discovered", "verifying", "loading", "warming", "ready", "draining", "unloaded", "failed"]


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which bits answered."""

    name: str
    version: int
    label: str
    """The version label that was asked by; empty without one."""
    digest: str
    """SHA-256 of the version's manifest, which holds the digests of all else."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds on the server."""

    queue: float
    tokenize: float
    compute: float
    total: float


@dataclass(frozen=True, slots=True)
class LabelScore:
    label: str
    index: int
    """The class's place in the model's logits."""
    score: float
    """A probability for softmax and sigmoid heads, the value itself for regression."""


@dataclass(frozen=True, slots=True)
class TextResult:
    scores: tuple[LabelScore, ...]
    """Best first."""
    logits: tuple[float, ...]
    """In class order; empty unless asked for."""
    tokens_read: int
    tokens_total: int
    truncated: bool
    windows: int

    @property
    def label(self) -> str:
        """The best label; empty without scores."""
        return self.scores[0].label if self.scores else ""

    @property
    def score(self) -> float:
        """The best label's score; 0 without scores."""
        return self.scores[0].score if self.scores else 0.0


@dataclass(frozen=True, slots=True)
class ClassifyAnswer:
    """`results[i]` answers `inputs[i]`, all from the one version named."""

    model: ModelIdentity
    results: tuple[TextResult, ...]
    timing: Timing


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open places in a text. Characters are Unicode scalar values, as in a Python string."""

    byte_start: int
    byte_end: int
    character_start: int
    character_end: int


@dataclass(frozen=True, slots=True)
class WindowResult:
    """One window of a document."""

    index: int
    span: Span
    tokens: int
    scores: tuple[LabelScore, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a document was read."""

    bytes_received: int
    bytes_classified: int
    tokens_classified: int


@dataclass(frozen=True, slots=True)
class RunningVerdict:
    """The verdict if the document ended here."""

    windows: int
    scores: tuple[LabelScore, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class FinalVerdict:
    model: ModelIdentity
    label: str
    scores: tuple[LabelScore, ...]
    windows: int
    coverage: Coverage
    stopped_early: bool
    aggregation: str
    evidence: WindowResult | None
    """The window that speaks most for the label."""
    timing: Timing


DocumentEvent: TypeAlias = WindowResult | RunningVerdict | FinalVerdict


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """What became of one request of a stream: `answer`, or else `error`."""

    id: str
    answer: ClassifyAnswer | None
    error: MartletError | None


@dataclass(frozen=True, slots=True)
class EmbedResult:
    values: tuple[float, ...]
    """The vector; with `per_token` all vectors end to end."""
    rows: int
    """1, or the tokens with `per_token`."""
    tokens_read: int
    tokens_total: int
    truncated: bool

    @property
    def vectors(self) -> list[tuple[float, ...]]:
        """One vector for each row."""
        width = len(self.values) // self.rows if self.rows else 0
        return [self.values[row * width : (row + 1) * width] for row in range(self.rows)]


@dataclass(frozen=True, slots=True)
class EmbedAnswer:
    """`results[i]` answers `inputs[i]`."""

    model: ModelIdentity
    results: tuple[EmbedResult, ...]
    timing: Timing


@dataclass(frozen=True, slots=True)
class Token:
    id: int
    text: str
    """As in the vocabulary, such as ##ing."""
    special: bool
    type_id: int
    """1 for the second text of a pair."""
    span: Span | None
    """Where it stands in its text; None for a special token."""


@dataclass(frozen=True, slots=True)
class TokenizeAnswer:
    """`results[i]` are the tokens of `inputs[i]`."""

    model: ModelIdentity
    results: tuple[tuple[Token, ...], ...]


@dataclass(frozen=True, slots=True)
class DetokenizeAnswer:
    """`texts[i]` is what `sequences[i]` says."""

    model: ModelIdentity
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One version of one model. What a version has not told yet is empty or 0."""

    name: str
    version: int
    state: State
    reason: str
    """Why the state is failed."""
    version_labels: tuple[str, ...]
    digest: str
    class_labels: tuple[str, ...]
    task: str
    max_tokens: int
    memory_bytes: int
    leases: int
    """Calls that hold the version now."""
    problem_type: str
    dimensions: int
    vocabulary_size: int
    architecture: str
    precision: str
    quarantined: bool = False
    """Not tried again until its bytes change or `clear_quarantine`; `reason` says why."""


@dataclass(frozen=True, slots=True)
class ModelStatistics:
    """What a version has done since it was loaded; times are sums in seconds."""

    name: str
    version: int
    calls: int
    failures: int
    texts: int
    batches: int
    tokens: int
    queue: float
    tokenize: float
    compute: float
    batch_compute: float
    call_time: float
    last_used: float
    """Seconds since 1970; 0: never."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    software: str
    ready: bool
    """False while the server drains."""
    compute_threads: int
    cpu_level: str
    queue_tokens_max: int
    batch_tokens_max: int
    texts_per_request_max: int
    message_bytes_max: int
