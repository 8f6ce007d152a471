"""What callers notice of 10 000 swaps (--quick: 2 000), and what they notice of a peer's, MLServer with onnxruntime."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from .failure import BenchError, say
from .own_modes import run_own
from .preparation import CACHE, PEERS, ROOT, TOOLS, digest_of, make_venv_of, run_step
from .workers import Setup

MLSERVER = PEERS / "mlserver"
MODELS = ["guard", "topics"]
# A load rests while the server is busy: a swap takes two to six seconds, and as long again until the next.
SECONDS_A_SWAP_MAX = 20
SECONDS_MAX = 3_600


def run_swap(setup: Setup, quick: bool, swaps: int | None = None) -> list[dict]:
    for tool, words in (("fetch", ["--only", "body"]), ("assemble", MODELS)):
        if subprocess.run([str(TOOLS / "models" / tool), *words], stdout=subprocess.DEVNULL).returncode != 0:
            raise BenchError(f"Tools/models/{tool} failed; see above")
    run_step(
        ["swift", "build", "-c", "release", "--product", "martlet"],
        "building martlet (at once when nothing changed)",
        "swift build failed; see above",
    )
    count = swaps or (2_000 if quick else 10_000)
    rows = run_own("swap", setup, False, SECONDS_MAX + SECONDS_A_SWAP_MAX * count, ("--swaps", str(count)))
    # What grows with the number of swaps shows in minutes with small versions.
    rows += run_own("swap", setup, False, SECONDS_MAX, ("--model", "tiny", "--pause", "5"))
    peer = run_peer(50 if quick else 200)
    ratio = peer["p99_during_ms"] / max(peer["p99_outside_ms"], 1e-9)
    own = {row["case"].removeprefix("swap guard: "): row["martlet"] for row in rows}
    during, outside = own["p99 of calls during a swap"], own["p99 of the other calls"]

    def beside(what: str, martlet: float, value: float, unit: str) -> dict:
        # Of nothing there is no multiple.
        better = value / martlet if martlet > 0 else None
        return {"case": f"swap: {what}", "martlet": martlet, "peer": "MLServer, onnxruntime int8",
                "peer_value": value, "unit": unit, "ratio": better}

    rows.append(beside("failed calls", own["failed calls"], peer["failed"], "calls"))
    rows.append(beside("p99 during a swap over p99 of other calls", during / max(outside, 1e-9), ratio, "x"))
    rows.append(beside("p99 of calls during a swap, each at half its own capacity", during, peer["p99_during_ms"], "ms"))
    # Of one swap there is none.
    if "memory a swap" in own:
        rows.append(beside("memory a swap", max(0.0, own["memory a swap"]), peer["memory_slope_bytes"], "bytes"))
    return rows


def run_peer(swaps: int) -> dict:
    python = make_venv_of("mlserver", MLSERVER / "requirements.txt", "MLServer and onnxruntime (about 250 MB, once)")
    folders = [prepared(python, model) for model in MODELS]
    say(f"MLServer, {swaps} swaps")
    command = [str(python), str(MLSERVER / "swap.py"), "--swaps", str(swaps), "--models", *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX)
    if done.returncode != 0:
        raise BenchError(f"MLServer's swaps ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout)


def prepared(python: Path, model: str) -> Path:
    """The folder with the peer's model."""
    source = ROOT / ".build-models" / model
    digest = digest_of([MLSERVER / "prepare.py", PEERS / "onnxruntime_model.py", source / ".assembled"])
    folder = CACHE / f"mlserver-{model}-{digest}"
    if not (folder / "done").exists():
        run_step(
            [str(python), str(MLSERVER / "prepare.py"), "--model", str(source), "--output", str(folder)],
            f"making MLServer's model of {model}",
            "MLServer's model could not be made; see above",
        )
    return folder
