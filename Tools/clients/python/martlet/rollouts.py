"""Routes, rollouts and uploads, as plain values: what a model's owner sends and gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Phase: TypeAlias = Literal["unspecified", "loading", "shadowing", "baking", "completed", "rolled_back", "failed"]


@dataclass(frozen=True, slots=True)
class RouteTarget:
    version: int
    weight: int = 1
    """The version's share of the calls is its weight in the sum of all."""


@dataclass(frozen=True, slots=True)
class RouteShadow:
    """Answers a copy of the calls, for comparison only."""

    version: int
    percent: float


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """Where a version label leads."""

    targets: tuple[RouteTarget, ...]
    sticky_key: str = ""
    """The metadata entry whose value decides the target; empty: by chance."""
    shadow: RouteShadow | None = None

    @classmethod
    def to(cls, version: int) -> ModelRoute:
        """All calls to one version."""
        return cls((RouteTarget(version),))


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """A shadow's answers beside the callers', since the shadow was set. Times in seconds."""

    version: int
    texts: int
    agreed: int
    failures: int
    skipped: int
    """Copies given up because the server had no room for them."""
    drift_bounds: tuple[float, ...]
    drift: tuple[int, ...]
    """Texts by how far the first label's score moved; one more bucket than bounds."""
    drift_max: float
    caller_p50: float
    caller_p99: float
    shadow_p50: float
    shadow_p99: float


@dataclass(frozen=True, slots=True)
class RouteStatus:
    name: str
    label: str
    """`latest` for calls that name the model alone."""
    route: ModelRoute
    comparison: ShadowComparison | None


@dataclass(frozen=True, slots=True)
class RolloutStep:
    percent: float
    bake: float = 600.0
    """Seconds for which the rules must hold before the next step."""


@dataclass(frozen=True, slots=True)
class RolloutRules:
    """What ends a rollout when it is broken; None: not looked at."""

    error_rate_max: float | None = 0.01
    """Share of the new version's calls that may fail through the server's fault, 0 to 1."""
    p99_ratio_max: float | None = None
    """The new version's 99th percentile of call times over the old one's."""
    disagreement_max: float | None = None
    """Share of texts on which the shadow's first label may differ, 0 to 1; needs a shadow."""
    calls_min: int = 100
    window: float = 30.0


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """A new version takes over a route's calls in steps, each of which must hold its rules for a while."""

    model: str
    version: int
    label: str = "latest"
    steps: tuple[RolloutStep, ...] = ()
    """Rising shares, the last 100; none: 1, 10, 50 and 100 %, ten minutes each."""
    shadow_percent: float = 0.0
    sticky_key: str = ""
    rules: RolloutRules = RolloutRules()
    keep_old: float = 3600.0
    """Seconds for which the old version stays in memory afterwards: a rollback is at once until then."""


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """What starting a rollout would do."""

    from_version: int
    to_version: int
    current: ModelRoute | None
    stages: tuple[ModelRoute, ...]
    loads: bool
    memory_needed: int
    memory_left: int
    """-1: no limit."""
    problems: tuple[str, ...]
    """Why it cannot start; empty when it can."""


@dataclass(frozen=True, slots=True)
class RolloutObservation:
    """A rule as it was last looked at."""

    rule: str
    value: float
    limit: float
    count: int
    broken: bool


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    spec: RolloutSpec
    from_version: int
    phase: Phase
    step: int
    """Place in `spec.steps`; -1 before the first."""
    percent: float
    remaining: float
    """Seconds until the next step at the earliest."""
    reason: str
    observations: tuple[RolloutObservation, ...]

    @property
    def is_over(self) -> bool:
        return self.phase in ("completed", "rolled_back", "failed")


@dataclass(frozen=True, slots=True)
class PublishProgress:
    """How far an upload is, in bytes."""

    held: int
    """What the server had before, from an upload that broke off or from the version itself."""
    sent: int
    """What the server has now."""
    total: int
