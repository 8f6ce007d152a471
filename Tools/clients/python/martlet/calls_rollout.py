"""The calls of a model's owner: their requests' bytes, and what their answers become. Knows no connection."""

from __future__ import annotations

from martlet import rollouts as values
from martlet import types
from martlet.calls import Call, name, status
from martlet.protocol import parse
from martlet.rollouts import Phase
from martlet.v1 import models_pb2 as models
from martlet.v1 import rollout_pb2 as rollout

ROLLOUTS = "/martlet.v1.RolloutService/"


def load_version(model: str, version: int) -> Call[types.ModelStatus]:
    request = rollout.LoadVersionRequest(name=model, version=version)
    return Call(
        ROLLOUTS + "LoadVersion", request.SerializeToString(), lambda data: status(parse(data, models.ModelStatus)))


def unload_version(model: str, version: int) -> Call[None]:
    request = rollout.UnloadVersionRequest(name=model, version=version)
    return Call(ROLLOUTS + "UnloadVersion", request.SerializeToString(), lambda _: None)


def clear_quarantine(model: str, version: int) -> Call[None]:
    request = rollout.ClearQuarantineRequest(name=model, version=version)
    return Call(ROLLOUTS + "ClearQuarantine", request.SerializeToString(), lambda _: None)


def set_route(model: str, label: str, route: values.ModelRoute | None) -> Call[None]:
    request = rollout.SetRouteRequest(name=model, label=label, route=route_message(route) if route else None)
    return Call(ROLLOUTS + "SetRoute", request.SerializeToString(), lambda _: None)


def list_routes(model: str) -> Call[list[values.RouteStatus]]:
    def decode(data: bytes) -> list[values.RouteStatus]:
        return [
            values.RouteStatus(
                one.name, one.label, route(one.route),
                comparison(one.comparison) if one.HasField("comparison") else None)
            for one in parse(data, rollout.ListRoutesResponse).routes]

    return Call(ROLLOUTS + "ListRoutes", rollout.ListRoutesRequest(name=model).SerializeToString(), decode)


def plan_rollout(spec: values.RolloutSpec) -> Call[values.RolloutPlan]:
    def decode(data: bytes) -> values.RolloutPlan:
        plan = parse(data, rollout.RolloutPlan)
        return values.RolloutPlan(
            getattr(plan, "from"), plan.to, route(plan.current) if plan.HasField("current") else None,
            tuple(route(one) for one in plan.stages), plan.loads, plan.memory_needed, plan.memory_left,
            tuple(plan.problems))

    return Call(ROLLOUTS + "PlanRollout", spec_message(spec).SerializeToString(), decode)


def start_rollout(spec: values.RolloutSpec) -> Call[values.RolloutStatus]:
    return Call(ROLLOUTS + "StartRollout", spec_message(spec).SerializeToString(), rollout_status)


def list_rollouts(model: str) -> Call[list[values.RolloutStatus]]:
    return Call(ROLLOUTS + "ListRollouts", rollout.ListRolloutsRequest(name=model).SerializeToString(), statuses)


def watch_rollouts(model: str) -> Call[list[values.RolloutStatus]]:
    return Call(ROLLOUTS + "WatchRollouts", rollout.ListRolloutsRequest(name=model).SerializeToString(), statuses)


def promote_rollout(model: str, label: str) -> Call[values.RolloutStatus]:
    request = rollout.PromoteRolloutRequest(name=model, label=label)
    return Call(ROLLOUTS + "PromoteRollout", request.SerializeToString(), rollout_status)


def rollback(model: str, label: str, reason: str) -> Call[values.RolloutStatus]:
    request = rollout.RollbackRequest(name=model, label=label, reason=reason)
    return Call(ROLLOUTS + "Rollback", request.SerializeToString(), rollout_status)


# Parts of requests


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def route_message(one: values.ModelRoute) -> rollout.ModelRoute:
    return rollout.ModelRoute(
        targets=[rollout.RouteTarget(version=target.version, weight=target.weight) for target in one.targets],
        sticky_key=one.sticky_key,
        shadow=rollout.RouteShadow(version=one.shadow.version, percent=one.shadow.percent) if one.shadow else None)


def spec_message(spec: values.RolloutSpec) -> rollout.RolloutSpec:
    rules = spec.rules
    return rollout.RolloutSpec(
        model=spec.model, label=spec.label, version=spec.version,
        steps=[rollout.RolloutStep(percent=step.percent, bake_ms=milliseconds(step.bake)) for step in spec.steps],
        shadow_percent=spec.shadow_percent, sticky_key=spec.sticky_key,
        rules=rollout.RolloutRules(
            error_rate_max=rules.error_rate_max, p99_ratio_max=rules.p99_ratio_max,
            disagreement_max=rules.disagreement_max, calls_min=rules.calls_min, window_ms=milliseconds(rules.window)),
        keep_old_ms=milliseconds(spec.keep_old))


# Parts of answers


def route(one: rollout.ModelRoute) -> values.ModelRoute:
    shadow = values.RouteShadow(one.shadow.version, one.shadow.percent) if one.HasField("shadow") else None
    return values.ModelRoute(
        tuple(values.RouteTarget(target.version, target.weight) for target in one.targets), one.sticky_key, shadow)


def comparison(one: rollout.ShadowComparison) -> values.ShadowComparison:
    return values.ShadowComparison(
        one.version, one.texts, one.agreed, one.failures, one.skipped, tuple(one.drift_bounds), tuple(one.drift),
        one.drift_max, one.caller_p50_us / 1e6, one.caller_p99_us / 1e6, one.shadow_p50_us / 1e6,
        one.shadow_p99_us / 1e6)


def spec_of(one: rollout.RolloutSpec) -> values.RolloutSpec:
    rules = one.rules
    return values.RolloutSpec(
        one.model, one.version, one.label,
        tuple(values.RolloutStep(step.percent, step.bake_ms / 1e3) for step in one.steps), one.shadow_percent,
        one.sticky_key,
        values.RolloutRules(
            rules.error_rate_max if rules.HasField("error_rate_max") else None,
            rules.p99_ratio_max if rules.HasField("p99_ratio_max") else None,
            rules.disagreement_max if rules.HasField("disagreement_max") else None, rules.calls_min,
            rules.window_ms / 1e3),
        one.keep_old_ms / 1e3)


def status_of(one: rollout.RolloutStatus) -> values.RolloutStatus:
    phase: Phase = name(rollout.RolloutPhase, "ROLLOUT_PHASE", one.phase)  # type: ignore[assignment]
    return values.RolloutStatus(
        spec_of(one.spec), getattr(one, "from"), phase, one.step, one.percent, one.remaining_ms / 1e3, one.reason,
        tuple(
            values.RolloutObservation(seen.rule, seen.value, seen.limit, seen.count, seen.broken)
            for seen in one.observations))


def rollout_status(data: bytes) -> values.RolloutStatus:
    return status_of(parse(data, rollout.RolloutStatus))


def statuses(data: bytes) -> list[values.RolloutStatus]:
    return [status_of(one) for one in parse(data, rollout.ListRolloutsResponse).rollouts]
