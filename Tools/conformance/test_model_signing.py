"""OpenSSF's model-signing package: what it signs is taken, and what it refuses is refused, over random tampering.

`martlet verify --public-key` may refuse what the package takes, where the package lets a signature speak of less than
the whole folder or of other digests (`STRICTER`); it never takes what the package refuses.
"""

import base64
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import model_signing
import pytest
from conftest import BINARY, ROOT, Server

sys.path.insert(0, str(ROOT / "Tools/fixtures"))
from make_signature_fixtures import CURVES, make_key, sign  # noqa: E402

CLIENT = "model-signing"
SOURCE = ROOT / "Tests/MartletConvertTests/Fixtures/tiny-bert"
SEED = 2026


@dataclass
class Case:
    """A signed copy of a version before it is tampered with."""

    folder: Path
    key: Path
    public: Path
    stranger: Path
    other: Path
    random: random.Random

    @property
    def bundle(self) -> Path:
        return self.folder / "model.sig"

    def file(self) -> Path:
        return self.folder / self.random.choice(["manifest.json", "weights.martlet", "tokenizer.json", "golden.json"])


def nothing(case: Case) -> None:
    pass


def other_key(case: Case) -> None:
    case.public = case.stranger


def flipped_bit(case: Case) -> None:
    file = case.file()
    content = bytearray(file.read_bytes())
    content[case.random.randrange(len(content))] ^= 1 << case.random.randrange(8)
    file.write_bytes(content)


def file_more(case: Case) -> None:
    (case.folder / case.random.choice(["README.md", "extra.bin", "a", "Golden.json"])).write_bytes(b"x")


def file_less(case: Case) -> None:
    case.file().unlink()


def renamed(case: Case) -> None:
    file = case.file()
    file.rename(file.with_name(file.name + "x"))


def linked(case: Case) -> None:
    file = case.file()
    elsewhere = case.folder.parent / f"{case.folder.name}-moved"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def other_bundle(case: Case) -> None:
    """Of another version, by the same key."""
    case.bundle.unlink()
    sign(case.other, case.key, case.bundle)


def cut_bundle(case: Case) -> None:
    content = case.bundle.read_bytes()
    case.bundle.write_bytes(content[: case.random.randrange(len(content))])


def flipped_signed_part(case: Case) -> None:
    """One character of the payload's, the signature's or the key's text."""
    text = case.bundle.read_text()
    bundle = json.loads(text)
    envelope = bundle["dsseEnvelope"]
    part = case.random.choice(
        [envelope["payload"], envelope["signatures"][0]["sig"], bundle["verificationMaterial"]["publicKey"]["hint"]]
    )
    place = text.index(part) + case.random.randrange(len(part))
    other = case.random.choice([one for one in "ABCxyz0189" if one != text[place]])
    case.bundle.write_text(text[:place] + other + text[place + 1 :])


def edited_statement(case: Case) -> None:
    """A statement that says something else, under the old signature."""
    bundle = json.loads(case.bundle.read_text())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    resources = statement["predicate"]["resources"]
    case.random.choice([lambda: resources.pop(), lambda: resources.append(resources[0]), resources.reverse])()
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    case.bundle.write_text(json.dumps(bundle))


def other_type(case: Case) -> None:
    bundle = json.loads(case.bundle.read_text())
    if case.random.random() < 0.5:
        bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
    else:
        bundle["dsseEnvelope"]["payloadType"] = "text/plain"
    case.bundle.write_text(json.dumps(bundle))


def again(case: Case, hashing: model_signing.hashing.Config) -> None:
    case.bundle.unlink()
    sign(case.folder, case.key, case.bundle, hashing)


def ignoring(case: Case) -> None:
    """Signs all but one file, which is there all the same."""
    paths = [case.random.choice(["golden.json", "tokenizer.json"])]
    again(case, model_signing.hashing.Config().set_ignored_paths(paths=paths, ignore_git_paths=True))


def other_digest(case: Case) -> None:
    again(case, model_signing.hashing.Config().use_file_serialization(hashing_algorithm="blake2"))


def sharded(case: Case) -> None:
    again(case, model_signing.hashing.Config().use_shard_serialization())


STRICTER: list[Callable[[Case], None]] = [ignoring, other_digest, sharded]
SAME: list[Callable[[Case], None]] = [
    nothing, nothing, nothing, other_key, flipped_bit, file_more, file_less, renamed, linked, other_bundle, cut_bundle,
    flipped_signed_part, edited_statement, other_type,
]  # fmt: skip


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 and 2 of a tiny model, and keys."""
    if not BINARY:
        pytest.skip("needs MARTLET_BINARY: run Tools/conformance/run")
    root = tmp_path_factory.mktemp("signing")
    for version in ("1", "2"):
        words = ["--name", "tiny", "--version", version, "--models", str(root), "--precision", "float32"]
        subprocess.run([BINARY, "convert", str(SOURCE), *words], check=True, stdout=subprocess.DEVNULL)
    for name, curve in CURVES.items():
        make_key(root, root / f"{name}.pub", curve)
    return root


def package_takes(case: Case) -> bool:
    config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=case.public)
    try:
        config.verify(case.folder, case.bundle)
    except Exception:  # Every refusal has an exception of its own, a cut bundle a JSON error.
        return False
    return True


def martlet_takes(case: Case) -> bool:
    words = [BINARY, "verify", str(case.folder), "--public-key", str(case.public), "--cpu", "scalar", "--json"]
    verified = subprocess.run(words, capture_output=True, text=True, timeout=60)
    checks = {check["name"]: check for check in json.loads(verified.stdout)["checks"]}
    assert "signature" in checks
    holds = all(check["outcome"] == "passed" for check in checks.values())
    assert verified.returncode == (0 if holds else 1), verified.stderr
    return holds


def compare(versions: Path, folder: Path, cases: int) -> None:
    drawn = random.Random(SEED)
    taken: Counter[bool] = Counter()
    for number in range(cases):
        curve = drawn.choice(["p256", "p384", "p521"])
        copy = folder / str(number)
        shutil.copytree(versions / "tiny/1", copy)
        public, stranger = versions / f"{curve}.pub", versions / "stranger.pub"
        case = Case(copy, versions / f"{curve}.pem", public, stranger, versions / "tiny/2", drawn)
        sign(copy, case.key, case.bundle)
        # Each kind once, then at random.
        kinds = SAME + STRICTER
        tamper = kinds[number] if number < len(kinds) else drawn.choice(kinds)
        tamper(case)
        package, martlet = package_takes(case), martlet_takes(case)
        told = f"case {number}, {tamper.__name__}, {curve}: the package says {package}, martlet {martlet}"
        assert package or not martlet, told
        if tamper in STRICTER:
            assert not martlet, told
        elif tamper is not flipped_signed_part:
            # Of base64 with a character that no encoder writes the package reads what it can.
            assert martlet == package, told
        taken[martlet] += 1
        shutil.rmtree(copy)
    assert taken[True] >= 3 and taken[False] >= 10


def test_verdicts_agree_over_every_kind_of_tampering(versions: Path, tmp_path: Path):
    compare(versions, tmp_path, len(SAME + STRICTER) + 5)


@pytest.mark.slow
def test_verdicts_agree_over_hundreds_of_random_cases(versions: Path, tmp_path: Path):
    compare(versions, tmp_path, 300)


def states(server: Server) -> dict[str, str]:
    words = [BINARY, "models", "--address", server.address, "--json"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    return {f"{model['name']}/{model['version']}": model["state"] for model in json.loads(listed.stdout)}


def test_server_serves_what_its_key_signed_and_nothing_else(
    versions: Path, tmp_path: Path, start: Callable[..., Server]
):
    models = tmp_path / "models"
    shutil.copytree(versions / "tiny", models / "tiny")
    for version, key in (("1", "p384"), ("2", "stranger")):
        folder = models / "tiny" / version
        sign(folder, versions / f"{key}.pem", folder / "model.sig")
    server = start(models, "--signature-key", str(versions / "p384.pub"), "--require-signature")
    # The newer version carries a signature, of a key that does not count here.
    assert states(server)["tiny/2"] == "failed"
    # Signed again in place by the one that does, it is tried again and answers.
    folder = models / "tiny" / "2"
    sign(folder, versions / "p384.pem", tmp_path / "model.sig")
    (tmp_path / "model.sig").rename(folder / "model.sig")
    deadline = time.monotonic() + 30
    while states(server)["tiny/2"] != "ready":
        assert time.monotonic() < deadline, states(server)
