"""Setting up, once: the peers' Python, their models, and Martlet's measuring program."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from .failure import BenchError, say

TOOLS = Path(__file__).resolve().parent.parent
ROOT = TOOLS.parent
PEERS = TOOLS / "peers"
CACHE = ROOT / ".build-bench"
MINILM = ROOT / ".build-models" / "guard"
GRAPHS = {"minilm": "mean,logits", "base": "mean"}


def run_step(command: list[str], what: str, failure: str) -> None:
    say(what)
    if subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode != 0:
        raise BenchError(failure)


def make_venv() -> Path:
    """The Python that has the peers."""
    return make_venv_of("bench", PEERS / "requirements.txt", "onnxruntime, OpenVINO, nncf and CTranslate2 (400 MB, once)")


def make_venv_of(name: str, requirements: Path, what: str) -> Path:
    """The Python of .venv-<name>, with what `requirements` lists."""
    venv = ROOT / f".venv-{name}"
    python, stamp = venv / "bin" / "python", venv / ".requirements"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(venv, ignore_errors=True)
    run_step(
        [sys.executable, "-m", "venv", str(venv)],
        f"making .venv-{name}",
        "python3 cannot make a venv: apt-get install python3-venv",
    )
    run_step(
        [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(requirements)],
        f"installing {what}",
        f"pip could not install {requirements.relative_to(ROOT)}; see above",
    )
    stamp.write_text(wanted)
    return python


def model_folder(python: Path, model: str) -> Path:
    """The float32 folder that every engine's model is made from."""
    for tool, words in (("fetch", ["--only", "body"]), ("assemble", ["guard"])):
        if subprocess.run([str(TOOLS / "models" / tool), *words], stdout=subprocess.DEVNULL).returncode != 0:
            raise BenchError(f"Tools/models/{tool} failed; see above")
    if model == "minilm":
        return MINILM
    script = PEERS / "random_bert.py"
    folder = CACHE / f"bert-base-{digest_of([script])}"
    if not (folder / "model.safetensors").exists():
        run_step(
            [str(python), str(script), "--like", str(MINILM), "--output", str(folder)],
            "writing a BERT-base with random weights (440 MB, once)",
            "Tools/peers/random_bert.py failed; see above",
        )
    return folder


def prepare_peers(python: Path, model: str) -> Path:
    """The folder with the peers' models of one encoder."""
    folder = model_folder(python, model)
    names = ["requirements.txt", "prepare.py", "mean_graph.py", "engines.py"]
    names += ["onnxruntime_model.py", "ctranslate2_model.py"]
    sources = [PEERS / name for name in names] + [TOOLS / "models" / "bert_graph.py"]
    sources.append(folder / ".assembled" if model == "minilm" else PEERS / "random_bert.py")
    cache = CACHE / f"{model}-{digest_of(sources)}"
    if not (cache / "done").exists():
        shutil.rmtree(cache, ignore_errors=True)
        run_step(
            [str(python), str(PEERS / "prepare.py"), "--model", str(folder), "--cache", str(cache)]
            + ["--graphs", GRAPHS[model]],
            f"making and checking the peers' models of {model} (a minute or two, once)",
            "the peers' models could not be made; see above",
        )
    return cache


def digest_of(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def build_martlet() -> Path:
    build = ["swift", "build", "-c", "release", "--product", "martlet-measure"]
    if shutil.which("swift") is None:
        raise BenchError("no `swift` in PATH")
    run_step(build, "building martlet-measure (at once when nothing changed)", "swift build failed; see above")
    shown = subprocess.run([*build, "--show-bin-path"], cwd=ROOT, capture_output=True, text=True, check=True)
    return Path(shown.stdout.strip()) / "martlet-measure"
