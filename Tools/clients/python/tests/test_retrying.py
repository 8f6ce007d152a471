"""When both clients ask a scripted server again."""

import time

import pytest

from martlet import MartletError
from martlet.v1 import inference_pb2 as inference
from martlet.v1 import models_pb2 as models
from martlet.v1 import native_pb2 as native


def refuse(code: int, retry_after_ms: int = 0):
    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        peer.send(call_id=call, status=native.Status(code=code, message="no", retry_after_ms=retry_after_ms))

    return script


def refuse_then_serve(code: int, retry_after_ms: int = 0):
    """On one connection: a refusal, and what comes after it."""

    def script(peer):
        refuse(code, retry_after_ms)(peer)
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        peer.answer(call, models.ListModelsResponse(models=[{"name": "guard"}]))
        peer.send(call_id=call, status=native.Status())

    return script


@pytest.mark.parametrize(("code", "hint"), [(14, 0), (14, 20), (8, 20)])
def test_an_overloaded_or_leaving_server_is_asked_again_after_its_hint(talking, code, hint):
    with talking(refuse_then_serve(code, hint), attempts=2) as client:
        start = time.monotonic()
        assert [model.name for model in client.list_models()] == ["guard"]
        assert time.monotonic() - start >= hint / 1000


@pytest.mark.parametrize(("code", "hint"), [(3, 20), (5, 0), (8, 0), (13, 0), (14, 3_600_000)])
def test_a_call_that_waiting_does_not_help_is_not_tried_again(talking, code, hint):
    with talking(refuse(code, hint), attempts=4) as client, pytest.raises(MartletError) as caught:
        client.list_models()
    assert caught.value.code == code


def test_a_call_whose_time_is_over_before_the_hint_is_not_tried_again(talking):
    with talking(refuse(14, 500), attempts=4) as client, pytest.raises(MartletError) as caught:
        client.list_models(timeout=0.4)
    assert caught.value.code == 14


def test_a_lost_connection_is_made_again_and_the_call_repeated(talking):
    def lose(peer):
        peer.shake_hands()
        peer.expect("open")

    def serve(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        peer.answer(call, models.ListModelsResponse(models=[{"name": "guard"}]))
        peer.send(call_id=call, status=native.Status())

    with talking(lose, serve, attempts=3) as client:
        assert [model.name for model in client.list_models()] == ["guard"]


def test_a_file_is_sent_again_when_nothing_was_answered(talking, tmp_path):
    file = tmp_path / "book.txt"
    file.write_bytes(b"a" * 100_000)

    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message")
        peer.send(call_id=call, status=native.Status(code=14, message="leaving"))
        while (frame := peer.read()).call_id == call:
            pass
        assert frame.WhichOneof("kind") == "open"
        call, received = frame.call_id, 0
        while (frame := peer.read()).WhichOneof("kind") == "message":
            received += len(inference.DocumentChunk.FromString(frame.message.payload).data)
        peer.answer(call, inference.DocumentEvent(final={"coverage": {"bytes_received": received}}))
        peer.send(call_id=call, status=native.Status())

    with talking(script, attempts=2) as client:
        (final,) = client.classify_document("guard", file)
        assert final.coverage.bytes_received == 100_000
