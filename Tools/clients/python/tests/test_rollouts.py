"""Routes, rollouts and uploads, against a server that says what a test tells it to."""

import json
import os
import zlib
from concurrent import futures

import pytest

import martlet
from both_clients import BOTH
from martlet import MartletError, ModelRoute, RolloutRules, RolloutSpec, RolloutStep, RouteShadow, RouteTarget
from martlet.v1 import models_pb2 as models
from martlet.v1 import native_pb2 as native
from martlet.v1 import rollout_pb2 as rollout

SPEC = RolloutSpec(
    "guard", 8, "stable", (RolloutStep(1, 60), RolloutStep(100, 0.5)), shadow_percent=5, sticky_key="user",
    rules=RolloutRules(0.02, 1.5, None, 50, 10), keep_old=0)
ROUTE = ModelRoute((RouteTarget(7, 90), RouteTarget(8, 10)), "user", RouteShadow(9, 12.5))


def answering(*answers):
    """A script for one call that keeps its request; and the list that holds it then."""
    seen: list[native.Frame] = []

    def script(peer):
        peer.shake_hands()
        opened = peer.expect("open")
        seen.append(opened)
        seen.append(peer.expect("message"))
        peer.expect("half_close")
        for answer in answers:
            peer.answer(opened.call_id, answer)
        peer.send(call_id=opened.call_id, status=native.Status())
        peer.read_to_end()

    return script, seen


def call(talking, run, *answers):
    """The path, the request's bytes and the result of one call."""
    script, seen = answering(*answers)
    with talking(script) as client:
        result = run(client)
    return seen[0].open.method, seen[1].message.payload, result


def test_versions_are_named_by_model_and_number(talking):
    for name, answer in [
        ("LoadVersion", models.ModelStatus(name="guard", version=8, state=models.VERSION_STATE_READY)),
        ("UnloadVersion", rollout.UnloadVersionResponse()), ("ClearQuarantine", rollout.ClearQuarantineResponse()),
    ]:
        method = {"LoadVersion": "load_version", "UnloadVersion": "unload_version"}.get(name, "clear_quarantine")
        path, request, result = call(talking, lambda client, m=method: getattr(client, m)("guard", 8), answer)
        assert path == f"/martlet.v1.RolloutService/{name}"
        assert rollout.LoadVersionRequest.FromString(request) == rollout.LoadVersionRequest(name="guard", version=8)
        assert (result is None) == (name != "LoadVersion")


def test_a_quarantined_version_says_so(talking):
    answer = models.ListModelsResponse(models=[{"name": "guard", "version": 8, "state": 8, "quarantined": True}])
    _, _, result = call(talking, lambda client: client.list_models(), answer)
    assert result[0].quarantined and result[0].state == "failed"


def test_routes_go_there_and_back(talking):
    path, request, _ = call(
        talking, lambda client: client.set_route("guard", "stable", ROUTE), rollout.SetRouteResponse())
    sent = rollout.SetRouteRequest.FromString(request)
    assert path.endswith("/SetRoute") and (sent.name, sent.label) == ("guard", "stable")
    status = rollout.RouteStatus(
        name="guard", label="stable", route=sent.route,
        comparison=rollout.ShadowComparison(version=9, texts=10, agreed=9, drift=[9, 1], caller_p50_us=1500))
    _, _, routes = call(
        talking, lambda client: client.list_routes("guard"), rollout.ListRoutesResponse(routes=[status]))
    assert routes[0].route == ROUTE
    assert routes[0].comparison.agreed == 9 and routes[0].comparison.caller_p50 == 0.0015
    _, request, _ = call(
        talking, lambda client: client.set_route("guard", "stable", None), rollout.SetRouteResponse())
    assert not rollout.SetRouteRequest.FromString(request).HasField("route")
    assert ModelRoute.to(3) == ModelRoute((RouteTarget(3),))


def test_rollouts_go_there_and_back(talking):
    plan = rollout.RolloutPlan(
        **{"from": 7}, to=8, stages=[{"targets": [{"version": 8, "weight": 1}]}], loads=True, memory_left=-1,
        problems=["no"])
    path, request, planned = call(talking, lambda client: client.plan_rollout(SPEC), plan)
    assert path.endswith("/PlanRollout")
    assert (planned.from_version, planned.to_version, planned.current) == (7, 8, None)
    assert planned.stages == (ModelRoute.to(8),) and planned.memory_left == -1 and planned.problems == ("no",)

    spec = rollout.RolloutSpec.FromString(request)
    assert spec.keep_old_ms == 0 and spec.HasField("keep_old_ms")
    assert not spec.rules.HasField("disagreement_max") and spec.rules.error_rate_max == 0.02
    status = rollout.RolloutStatus(
        spec=spec, **{"from": 7}, phase=rollout.ROLLOUT_PHASE_ROLLED_BACK, step=-1, percent=1, remaining_ms=500,
        reason="errors",
        observations=[{"rule": "error_rate", "value": 0.5, "limit": 0.02, "count": 99, "broken": True}])
    for method in ("start_rollout", "promote_rollout", "rollback"):
        argument = SPEC if method == "start_rollout" else "guard"
        _, _, result = call(talking, lambda client, m=method, a=argument: getattr(client, m)(a), status)
        assert result.spec == SPEC and result.phase == "rolled_back" and result.is_over
        assert result.observations[0].broken and result.remaining == 0.5
    both = rollout.ListRolloutsResponse(rollouts=[status, status])
    assert len(call(talking, lambda client: client.list_rollouts(), both)[2]) == 2
    _, _, watched = call(talking, lambda client: list(client.watch_rollouts("guard")), both, both)
    assert [len(one) for one in watched] == [2, 2]


def test_metadata_goes_beside_the_request_in_lower_case(talking):
    from martlet.v1 import inference_pb2 as inference

    script, seen = answering(inference.ClassifyResponse(model={"name": "guard"}))
    with talking(script) as client:
        client.classify("guard", ["a"], metadata={"User": "u-17"})
    assert [(entry.key, entry.value) for entry in seen[0].open.metadata] == [("user", b"u-17")]


# Publishing


@pytest.fixture
def folder(tmp_path):
    files = {"a.json": b"a" * 600_000, "b.bin": bytes((i * i * 31 + i // 7) % 251 for i in range(1000)), "empty": b""}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    entries = [{"name": name, "bytes": len(data), "sha256": "x"} for name, data in files.items()]
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "files": entries}))
    return tmp_path


def tell_limit(peer, limit=4 << 20):
    """Answers the call that a publisher makes first."""
    peer.shake_hands(credit=1 << 24)
    opened = peer.expect("open")
    assert opened.open.method == "/martlet.v1.ModelService/GetServer"
    peer.expect("message")
    peer.expect("half_close")
    peer.answer(opened.call_id, models.ServerStatus(message_bytes_max=limit))
    peer.send(call_id=opened.call_id, status=native.Status())


def receiving(received, held=(), most=None, limit=4 << 20):
    """A script that takes an upload in messages of at most `limit` bytes, and after `most` parts goes away."""

    def script(peer):
        tell_limit(peer, limit)
        opened = peer.expect("open")
        assert opened.open.method == "/martlet.v1.RolloutService/PublishVersion"
        begin = rollout.PublishPart.FromString(peer.expect("message").message.payload)
        assert json.loads(begin.begin.manifest)["format"] == 1
        files = [rollout.HeldFile(name=name, bytes=count) for name, count in held]
        peer.answer(opened.call_id, rollout.PublishEvent(held=rollout.HeldFiles(files=files)))
        while (frame := peer.read()).WhichOneof("kind") == "message":
            if most is not None and len(received) >= most:
                return
            assert len(frame.message.payload) <= limit
            part = rollout.PublishPart.FromString(frame.message.payload).bytes
            data = zlib.decompress(part.zlib_data) if part.WhichOneof("content") == "zlib_data" else part.data
            received.append((part.file, part.offset, data, part.WhichOneof("content")))
            count = sum(len(one[2]) for one in received)
            peer.answer(opened.call_id, rollout.PublishEvent(received_bytes=count))
        assert frame.WhichOneof("kind") == "half_close"
        peer.answer(opened.call_id, rollout.PublishEvent(published={"name": "guard", "version": 8, "digest": "d"}))
        peer.send(call_id=opened.call_id, status=native.Status())
        peer.read_to_end()

    return script


def test_publishes_every_file_in_chunks_compressed_where_it_helps(talking, folder):
    received, steps = [], []
    with talking(receiving(received)) as client:
        identity = client.publish(folder, progress=steps.append)
    assert identity == martlet.ModelIdentity("guard", 8, "", "d")
    for name in ("a.json", "b.bin"):
        data = b"".join(one[2] for one in received if one[0] == name)
        assert data == (folder / name).read_bytes()
    assert [one[1] for one in received if one[0] == "a.json"] == [0, 256 << 10, 512 << 10]
    assert {one[3] for one in received if one[0] == "a.json"} == {"zlib_data"}
    assert not any(one[0] == "empty" for one in received)
    assert steps[0] == martlet.PublishProgress(0, 0, 601_000) and steps[-1].sent == 601_000


def test_sends_chunks_as_small_as_the_server_takes_messages(talking, folder):
    (folder / "a.json").write_bytes(os.urandom(600_000))  # what zlib makes no smaller
    received = []
    with talking(receiving(received, limit=4096)) as client:
        client.publish(folder)
    assert b"".join(one[2] for one in received if one[0] == "a.json") == (folder / "a.json").read_bytes()
    assert max(len(one[2]) for one in received) == 2048


def test_sends_only_what_the_server_lacks(talking, folder):
    received, steps = [], []
    with talking(receiving(received, held=[("a.json", 600_000), ("b.bin", 400)])) as client:
        client.publish(folder, progress=steps.append)
    assert [(one[0], one[1], len(one[2])) for one in received] == [("b.bin", 400, 600)]
    assert steps[0] == martlet.PublishProgress(600_400, 600_400, 601_000)


def test_a_lost_connection_is_told_and_another_try_goes_on(talking, folder):
    received = []
    with talking(receiving(received, most=1)) as client:
        with pytest.raises(MartletError) as lost:
            client.publish(folder)
    assert lost.value.code == martlet.Code.UNAVAILABLE
    again = []
    with talking(receiving(again, held=[("a.json", 256 << 10)])) as client:
        client.publish(folder)
    assert again[0][:2] == ("a.json", 256 << 10)


def test_a_folder_that_is_no_version_is_refused_before_anything_is_sent(talking, tmp_path):
    from martlet.publishing import files_of

    for manifest in ['{"files": [{"name": "../x", "bytes": 1}]}', '{"files": [{"name": "a"}]}', "{}", "[", "[]"]:
        with pytest.raises(ValueError, match="manifest.json"):
            files_of(manifest.encode())
    assert files_of(b'{"files": [{"name": "a", "bytes": 1}]}') == {"a": 1}


def test_a_manifest_above_the_servers_limit_is_refused_before_anything_is_sent(talking, folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "padding": "x" * 400_000}))
    script, seen = answering(models.ServerStatus(message_bytes_max=300_000))
    with talking(script) as client:
        with pytest.raises(MartletError, match=r"the server's limit is 300000 \(messageBytesMax\)") as refused:
            client.publish(folder)
    assert refused.value.code == martlet.Code.FAILED_PRECONDITION
    assert seen[0].open.method == "/martlet.v1.ModelService/GetServer"


def test_a_file_shorter_than_its_manifest_says_ends_the_upload(talking, folder):
    (folder / "a.json").write_bytes(b"short")

    def script(peer):
        tell_limit(peer)
        opened = peer.expect("open")
        peer.expect("message")
        peer.answer(opened.call_id, rollout.PublishEvent(held={}))
        peer.read_to_end()

    with talking(script) as client:
        with pytest.raises(MartletError, match="a.json has 5 bytes and the manifest says 600000"):
            client.publish(folder)


@pytest.mark.parametrize("make", BOTH, ids=["blocking", "asyncio"])
def test_publishes_over_grpc_and_sends_metadata_there_too(make, folder):
    grpc = pytest.importorskip("grpc")
    received: list[tuple[str, int]] = []

    def publish(requests, context):
        begin = rollout.PublishPart.FromString(next(requests))
        assert begin.WhichOneof("part") == "begin"
        yield rollout.PublishEvent(held={"files": [{"name": "a.json", "bytes": 300_000}]}).SerializeToString()
        for request in requests:
            part = rollout.PublishPart.FromString(request).bytes
            received.append((part.file, part.offset))
            yield rollout.PublishEvent(received_bytes=1).SerializeToString()
        yield rollout.PublishEvent(published={"name": "guard", "version": 8}).SerializeToString()

    def refuse(requests, context):
        next(requests)
        context.abort(grpc.StatusCode.ABORTED, "another publisher sends this version")

    def detokenize(request, context):
        values = dict(context.invocation_metadata())
        from martlet.v1 import inference_pb2 as inference

        return inference.DetokenizeResponse(model={"name": values["user"]}).SerializeToString()

    def server_status(request, context):
        return models.ServerStatus(message_bytes_max=4 << 20).SerializeToString()

    def serve(publisher):
        server = grpc.server(futures.ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((
            grpc.method_handlers_generic_handler(
                "martlet.v1.RolloutService", {"PublishVersion": grpc.stream_stream_rpc_method_handler(publisher)}),
            grpc.method_handlers_generic_handler(
                "martlet.v1.ModelService", {"GetServer": grpc.unary_unary_rpc_method_handler(server_status)}),
            grpc.method_handlers_generic_handler(
                "martlet.v1.InferenceService", {"Detokenize": grpc.unary_unary_rpc_method_handler(detokenize)})))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return server, f"127.0.0.1:{port}"

    server, address = serve(publish)
    with make(address, transport="grpc", timeout=20) as client:
        assert client.publish(folder).version == 8
        assert received == [("a.json", 300_000), ("a.json", 300_000 + (256 << 10)), ("b.bin", 0)]
        assert client.detokenize("guard", [[1]], metadata={"User": "u-1"}).model.name == "u-1"
    server.stop(None)
    server, address = serve(refuse)
    with make(address, transport="grpc", timeout=20) as client:
        with pytest.raises(MartletError, match="another publisher"):
            client.publish(folder)
    server.stop(None)
