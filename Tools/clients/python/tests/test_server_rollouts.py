"""What a model's owner asks, by both clients over both transports, of the real server with tiny models."""

import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from both_clients import BOTH
from conftest import BINARY, ROOT, serving
from martlet import (
    Client, Code, MartletError, ModelRoute, RolloutRules, RolloutSpec, RolloutStep, RouteShadow, RouteTarget)

SOURCE = ROOT / "Tests/MartletConvertTests/Fixtures/tiny-bert"
TEXT = ["hello world"]


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server listens that has no models yet, and loads what is asked for only."""
    if not BINARY:
        pytest.skip("needs MARTLET_BINARY: run Tools/test")
    folder = tmp_path_factory.mktemp("managed")
    (folder / "models").mkdir()
    (folder / "models.yaml").write_text("defaults: {versions: routed}\n")
    options = ["--models-config", str(folder / "models.yaml"), "--state", str(folder / "state")]
    with serving(folder, folder / "models", f"unix:{folder}/s", *options) as address:
        yield address


@pytest.fixture(
    params=itertools.product(BOTH, ["native", "grpc"]), ids=lambda given: f"{given[0].__name__}-{given[1]}")
def owner(request: pytest.FixtureRequest, managed: str) -> Iterator[tuple[Client, str]]:
    """A client, and the name of a model of its own."""
    kind, transport = request.param
    if transport == "grpc":
        pytest.importorskip("grpc")
    with kind(managed, transport=transport, timeout=60) as client:
        yield client, f"tiny-{kind.__name__}-{transport}".lower()


def made(name: str, version: int, folder: Path, labels: tuple[str, ...] = ("no", "maybe", "yes")) -> Path:
    """A version's folder that no server has. With other labels, other answers for every text."""
    source = folder / f"source-{version}"
    shutil.copytree(SOURCE, source)
    config = json.loads((source / "config.json").read_text())
    config["id2label"] = {str(index): label for index, label in enumerate(labels)}
    config["label2id"] = {label: index for index, label in enumerate(labels)}
    (source / "config.json").write_text(json.dumps(config))
    words = ["--name", name, "--version", str(version), "--models", str(folder), "--precision", "float32"]
    subprocess.run([BINARY, "convert", str(source), *words], check=True, stdout=subprocess.DEVNULL)
    return folder / name / str(version)


def refused(code: Code, words: str):
    """Expects a refusal of this code with these words."""
    return pytest.raises(MartletError, match=words, check=lambda error: error.code == code)


def test_a_version_is_published_rolled_out_and_taken_back(owner, tmp_path):
    client, name = owner
    steps = []
    identity = client.publish(made(name, 1, tmp_path), progress=steps.append)
    assert (identity.name, identity.version, len(identity.digest)) == (name, 1, 64)
    assert steps[0].held == 0 and steps[-1].sent == steps[-1].total > 0
    assert [one.state for one in client.list_models(name)] == ["discovered"]
    assert client.load_version(name, 1).state == "ready"
    client.set_route(name, "latest", ModelRoute.to(1))
    assert client.classify(name, TEXT).model.version == 1

    client.publish(made(name, 2, tmp_path))
    with refused(Code.ALREADY_EXISTS, "versions never change"):
        client.publish(made(name, 2, tmp_path / "other", ("a", "b", "c")))
    spec = RolloutSpec(name, 2, steps=(RolloutStep(50, 3600), RolloutStep(100, 3600)), sticky_key="user")
    plan = client.plan_rollout(spec)
    assert (plan.from_version, plan.to_version, plan.loads, plan.problems) == (1, 2, True, ())
    assert plan.current == ModelRoute.to(1) and plan.memory_needed > 0 and plan.memory_left == -1
    assert [{one.version for one in stage.targets} for stage in plan.stages] == [{1, 2}, {2}]
    assert client.list_rollouts(name) == [] and [one.state for one in client.list_models(name)] == [
        "ready", "discovered"]

    assert client.start_rollout(spec).phase == "loading"
    watched = client.watch_rollouts(name)
    baking = next(one for (one,) in watched if one.phase == "baking")
    assert (baking.spec, baking.step, baking.percent) == (spec, 0, 50)
    for _ in range(2):
        answers = [client.classify(name, TEXT, metadata={"user": f"u{user}"}).model.version for user in range(20)]
        assert set(answers) == {1, 2}
    assert answers == [
        client.classify(name, TEXT, metadata={"user": f"u{user}"}).model.version for user in range(20)]
    with refused(Code.FAILED_PRECONDITION, "a rollout of version 2 owns the route latest"):
        client.set_route(name, "latest", ModelRoute.to(1))
    with refused(Code.FAILED_PRECONDITION, "the rollout of label latest needs version 2"):
        client.unload_version(name, 2)
    assert client.promote_rollout(name).percent == 100
    assert next(one for (one,) in watched if one.step == 1).phase == "baking"
    assert client.promote_rollout(name).phase == "completed"
    assert next(one for (one,) in watched if one.is_over).phase == "completed"
    assert client.classify(name, TEXT).model.version == 2

    back = client.rollback(name, reason="it hums")
    assert (back.phase, back.reason) == ("rolled_back", "by request: it hums")
    assert next(one for (one,) in watched if one.phase == "rolled_back").reason == back.reason
    watched.close()
    assert client.classify(name, TEXT).model.version == 1
    second = client.list_models(name)[1]
    assert second.quarantined and second.reason == "rolled back: by request: it hums"
    assert client.plan_rollout(spec).problems[0].startswith(f"version 2 is in quarantine: {second.reason}")
    for ask in (lambda: client.start_rollout(spec), lambda: client.load_version(name, 2)):
        with refused(Code.FAILED_PRECONDITION, "is in quarantine: rolled back"):
            ask()
    client.clear_quarantine(name, 2)
    assert client.load_version(name, 2).state == "ready"
    assert not client.list_models(name)[1].quarantined
    client.unload_version(name, 2)
    with refused(Code.NOT_FOUND, "no such version"):
        client.clear_quarantine(name, 9)
    with refused(Code.NOT_FOUND, "publish it first"):
        client.load_version(name, 9)


def test_a_shadow_is_compared_and_ends_a_rollout_that_disagrees(owner, tmp_path):
    client, name = owner
    name += "-shadow"
    client.publish(made(name, 1, tmp_path))
    client.publish(made(name, 2, tmp_path, ("yes", "no", "maybe")))
    for version in (1, 2):
        client.load_version(name, version)
    client.set_route(name, "canary", ModelRoute((RouteTarget(1),), shadow=RouteShadow(2, 100)))
    for _ in range(3):
        assert client.classify(f"{name}:canary", TEXT).model.version == 1
    comparison = client.list_routes(name)[0].comparison
    while comparison.texts + comparison.failures + comparison.skipped < 3:
        comparison = client.list_routes(name)[0].comparison
    assert (comparison.version, comparison.agreed, comparison.failures) == (2, 0, 0)
    assert sum(comparison.drift) == comparison.texts == 3
    client.set_route(name, "canary", None)
    assert client.list_routes(name) == []

    client.set_route(name, "latest", ModelRoute.to(1))
    rules = RolloutRules(error_rate_max=None, disagreement_max=0.5, calls_min=5)
    spec = RolloutSpec(name, 2, steps=(RolloutStep(100, 3600),), shadow_percent=100, rules=rules)
    assert client.start_rollout(spec).spec == spec
    watched = client.watch_rollouts(name)
    shadowing = next(one for (one,) in watched if one.phase != "loading")
    assert (shadowing.phase, shadowing.step, shadowing.percent) == ("shadowing", -1, 0)
    for _ in range(5):
        assert client.classify(name, TEXT).model.version == 1
    over = next(one for (one,) in watched if one.is_over)
    watched.close()
    assert over.phase == "rolled_back" and over.reason.startswith("disagreement: of 5 texts")
    (rule,) = over.observations
    assert (rule.rule, rule.value, rule.limit, rule.count, rule.broken) == ("disagreement", 1.0, 0.5, 5, True)
    assert client.list_models(name)[1].quarantined
    assert client.classify(name, TEXT).model.version == 1
