"""OpenAI's SDK against /v1/embeddings and /v1/models."""

import math
from collections.abc import Iterator

import openai
import pytest
from conftest import Server

CLIENT = "openai"
TEXTS = ["How do I bake sourdough bread?", "Baking bread with sourdough", "The stock market fell today"]


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_texts_have_vectors_by_default_in_base64(client: openai.OpenAI):
    answer = client.embeddings.create(model="minilm", input=TEXTS)
    vectors = [item.embedding for item in answer.data]
    assert [item.index for item in answer.data] == [0, 1, 2] and {len(vector) for vector in vectors} == {384}
    assert all(math.isclose(cosine(vector, vector), 1, abs_tol=1e-4) for vector in vectors)
    assert cosine(vectors[0], vectors[1]) > cosine(vectors[0], vectors[2])
    assert answer.model == "minilm@1" and answer.usage.prompt_tokens == answer.usage.total_tokens > 6


def test_numbers_and_base64_are_the_same_values(client: openai.OpenAI):
    coded = client.embeddings.create(model="minilm", input=TEXTS[0]).data[0].embedding
    plain = client.embeddings.create(model="minilm", input=TEXTS[0], encoding_format="float").data[0].embedding
    assert coded == pytest.approx(plain, abs=1e-7)


def test_dimensions_cut_the_vector_and_keep_its_length_one(client: openai.OpenAI):
    vector = client.embeddings.create(model="minilm", input=TEXTS[0], dimensions=64).data[0].embedding
    assert len(vector) == 64 and math.isclose(cosine(vector, vector), 1, abs_tol=1e-4)


def test_token_ids_have_vectors(client: openai.OpenAI):
    one = client.embeddings.create(model="minilm", input=[2129, 2079, 1045])
    two = client.embeddings.create(model="minilm", input=[[2129, 2079, 1045], [7852]])
    assert len(one.data) == 1 and len(two.data) == 2
    assert one.data[0].embedding == pytest.approx(two.data[0].embedding, abs=1e-7)


def test_a_version_and_a_label_name_a_model_too(client: openai.OpenAI):
    for name in ["minilm@1", "minilm:latest"]:
        assert client.embeddings.create(model=name, input="a").model == "minilm@1"


def test_models_are_listed_and_found(client: openai.OpenAI):
    assert {model.id for model in client.models.list()} == {"guard", "minilm"}
    assert client.models.retrieve("minilm").id == "minilm"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("absent")


@pytest.mark.parametrize(
    ("model", "texts", "error"),
    [
        ("absent", "a", openai.NotFoundError),
        ("guard", "a", openai.BadRequestError),
        ("minilm", [], openai.BadRequestError),
        ("minilm", "", openai.BadRequestError),
        ("minilm", "word " * 2000, openai.BadRequestError),
        ("minilm", ["a"] * 257, openai.BadRequestError),
    ],
)
def test_errors_raise_the_sdk_s_own_exceptions(client: openai.OpenAI, model: str, texts, error: type[openai.APIStatusError]):
    with pytest.raises(error) as caught:
        client.embeddings.create(model=model, input=texts)
    assert caught.value.body["message"] and caught.value.type == "invalid_request_error"
