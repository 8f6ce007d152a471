"""prometheus_client's own parser, on GET /metrics of a server whose models are managed."""

import http.client
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import BINARY, ROOT, Server

CLIENT = "prometheus_client"
SOURCE = ROOT / "Tests/MartletConvertTests/Fixtures/tiny-bert"
POLICY = "defaults: {versions: routed}\nmodels: {tiny: {labels: {latest: 1}}}\n"
ROLLOUT = "{model: tiny, version: 2, steps: [{percent: 25%, bake: 1h}, {percent: 100%, bake: 1h}]}\n"
CAUSES = {"error_rate", "p99_ratio", "disagreement", "request", "version"}
# Names as a server shows them, with their types and their labels.
FAMILIES = {
    "martlet_drain_cut_leases": ("counter", {"model"}),
    "martlet_load_failures": ("counter", {"model"}),
    "martlet_load_seconds": ("histogram", {"model"}),
    "martlet_memory_refusals": ("counter", {"model"}),
    "martlet_models_folder_failures": ("counter", set()),
    "martlet_rollbacks": ("counter", {"model", "cause"}),
    "martlet_rollout_percent": ("gauge", {"model", "label"}),
    "martlet_rollout_phase": ("gauge", {"model", "label", "phase"}),
    "martlet_route_changes": ("counter", {"model"}),
    "martlet_state_save_failures": ("counter", set()),
    "martlet_version_leases": ("gauge", {"model", "version"}),
    "martlet_version_memory_bytes": ("gauge", {"model", "version"}),
    "martlet_version_state": ("gauge", {"model", "version", "state"}),
    "martlet_version_transitions": ("counter", {"model", "version", "state"}),
    "martlet_wakings": ("counter", {"model"}),
}

Labels = frozenset[tuple[str, str]]


class Scrape:
    """Every sample by its name and labels. Types, labels and help of every family are as they should be."""

    def __init__(self, server: Server) -> None:
        with urllib.request.urlopen(f"{server.url}/metrics") as answer:
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            families = list(text_string_to_metric_families(answer.read().decode()))
        self.samples: dict[tuple[str, Labels], float] = {}
        self.counters: dict[tuple[str, Labels], float] = {}
        assert len({family.name for family in families}) == len(families)
        for family in families:
            kind, names = FAMILIES[family.name]
            assert family.type == kind and family.documentation, family
            for sample in family.samples:
                assert set(sample.labels) - {"le"} == names, sample
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.samples
                self.samples[key] = sample.value
                if kind != "gauge":
                    self.counters[key] = sample.value

    def __call__(self, name: str, **labels: str) -> float | None:
        """The value of a sample of the model `tiny`; None where there is none."""
        return self.samples.get((name, frozenset({"model": "tiny", **labels}.items())))

    def words(self, name: str, choice: str, **labels: str) -> list[str]:
        """The values of the label `choice` of every series of that name that has the other labels."""
        wanted = {"model": "tiny", **labels}.items()
        return [dict(key)[choice] for one, key in self.samples if one == name and wanted <= key]

    def follows(self, earlier: "Scrape") -> None:
        """No counter fell."""
        for key, value in earlier.counters.items():
            assert self.counters.get(key, 0) >= value, key


@pytest.fixture
def managed(start: Callable[..., Server], tmp_path: Path) -> Server:
    """Version 1 of `tiny` answers; 2 waits, and 3, whose weights are damaged."""
    if not BINARY:
        pytest.skip("needs MARTLET_BINARY: run Tools/conformance/run")
    models = tmp_path / "models"
    for version in ("1", "2"):
        words = ["--name", "tiny", "--version", version, "--models", str(models), "--precision", "float32"]
        subprocess.run([BINARY, "convert", str(SOURCE), *words], check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(models / "tiny" / "2", models / "tiny" / "3")
    policy = tmp_path / "models.yaml"
    policy.write_text(POLICY)
    return start(models, "--models-config", str(policy))


def scraped(server: Server, version: str, leases: float | None) -> Scrape:
    """The first scrape in which a version has so many leases."""
    until = time.monotonic() + 30
    while (scrape := Scrape(server))("martlet_version_leases", version=version) != leases:
        assert time.monotonic() < until, scrape.samples
    return scrape


def ask(server: Server, *words: str, status: int = 0) -> str:
    done = subprocess.run([BINARY, *words, "--address", server.address], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout


def test_versions_routes_and_rollouts_are_counted(managed: Server, tmp_path: Path):
    first = Scrape(managed)
    assert first.words("martlet_version_state", "state", version="1") == ["ready"]
    assert first.words("martlet_version_state", "state", version="2") == ["discovered"]
    states = ["discovered", "loading", "ready", "verifying", "warming"]
    assert first.words("martlet_version_transitions_total", "state", version="1") == states
    assert first("martlet_version_transitions_total", version="1", state="ready") == 1
    assert first("martlet_version_memory_bytes", version="1") > 0
    assert first("martlet_version_memory_bytes", version="2") == 0
    assert first("martlet_load_seconds_count") == first("martlet_load_seconds_bucket", le="+Inf") == 1
    assert first("martlet_load_seconds_sum") > 0
    assert set(first.words("martlet_rollbacks_total", "cause")) == CAUSES
    assert first.words("martlet_rollout_phase", "phase") == []

    file = tmp_path / "rollout.yaml"
    file.write_text(ROLLOUT)
    ask(managed, "rollout", "apply", str(file))
    ask(managed, "models", "load", "tiny@2")
    ask(managed, "rollout", "promote", "tiny")
    baking = Scrape(managed)
    baking.follows(first)
    assert baking.words("martlet_rollout_phase", "phase", label="latest") == ["baking"]
    assert baking("martlet_rollout_percent", label="latest") == 100
    assert baking("martlet_load_seconds_count") == 2
    assert baking("martlet_version_transitions_total", version="2", state="ready") == 1
    assert baking("martlet_route_changes_total") - (first("martlet_route_changes_total") or 0) == 3

    ask(managed, "rollout", "promote", "tiny")
    completed = Scrape(managed)
    completed.follows(baking)
    assert completed.words("martlet_rollout_phase", "phase", label="latest") == ["completed"]
    ask(managed, "rollout", "rollback", "tiny")
    ask(managed, "models", "load", "tiny@3", status=65)
    last = Scrape(managed)
    last.follows(completed)
    assert last.words("martlet_rollout_phase", "phase", label="latest") == ["rolled_back"]
    assert last("martlet_rollout_percent", label="latest") == 0
    assert last("martlet_rollbacks_total", cause="request") == 1
    assert sum(last("martlet_rollbacks_total", cause=cause) or 0 for cause in CAUSES) == 1
    assert last("martlet_load_failures_total") == 1
    assert last("martlet_version_transitions_total", version="2", state="draining") == 1
    assert last("martlet_version_transitions_total", version="3", state="failed") == 1
    assert last.words("martlet_version_state", "state", version="3") == ["failed"]


def test_a_version_that_is_held_says_so_and_one_that_is_gone_says_nothing(managed: Server):
    calling = http.client.HTTPConnection(managed.address, timeout=30)
    calling.putrequest("POST", "/martlet/v1/classify-document?model=tiny")
    for header, value in [
        ("content-type", "text/plain"), ("accept", "application/json"), ("transfer-encoding", "chunked")]:
        calling.putheader(header, value)
    calling.endheaders()
    calling.send(b"5\r\nhello\r\n")
    held = scraped(managed, version="1", leases=1)
    calling.send(b"0\r\n\r\n")
    assert json.loads(calling.getresponse().read())["model"]["version"] == 1
    scraped(managed, version="1", leases=0)
    assert held("martlet_version_memory_bytes", version="2") == 0
    shutil.rmtree(managed.models / "tiny" / "2")
    last = scraped(managed, version="2", leases=None)
    assert not any(("version", "2") in labels for _, labels in last.samples)
