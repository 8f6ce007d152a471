"""Long plain texts of many kinds for the guard's SAFE windows: news, manuals, licences, code, logs, tables.

A guard that saw only prompts and news takes everything else for an attack. The licences of /usr/share/common-licenses,
Debian's documents and the news of the test part are left out here: they are what the guard is measured on.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics as manual

import texts

# Everything of the families GPL, MPL, Apache, Artistic, BSD, CC0 is for the evaluation, so it is not named here.
LICENCES = {
    "AFL-3.0",
    "OSL-3.0",
    "BSL-1.0",
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "EPL-1.0",
    "EPL-2.0",
    "EUPL-1.1",
    "EUPL-1.2",
    "LPPL-1.3c",
    "MS-PL",
    "MS-RL",
    "NCSA",
    "OFL-1.1",
    "PostgreSQL",
    "UPL-1.0",
    "MIT",
    "ISC",
    "Zlib",
}
CODE_EVERY = 4  # of the library's modules for the second stage
MODULES = [
    "argparse",
    "ast",
    "configparser",
    "csv",
    "datetime",
    "difflib",
    "email.message",
    "fractions",
    "http.server",
    "logging",
    "mailbox",
    "optparse",
    "pathlib",
    "smtplib",
    "socketserver",
    "tarfile",
]
MADE_SEED = 41


@dataclass(frozen=True)
class Group:
    weight: float
    texts: list[str]


def is_held_out(index: int) -> bool:
    """Every twelfth document of a group is for validation."""
    return index % 12 == 5


def manuals(models: Path) -> tuple[list[str], list[str]]:
    """The manual's chapters, and its release notes and news."""
    folder = models / "django"
    chapters, notes = [], []
    for path in sorted(folder.rglob("*.txt")):
        target = notes if path.relative_to(folder).parts[0] in ("releases", "internals", "misc") else chapters
        target.append(path.read_text(encoding="utf-8"))
    return chapters, notes


def licences(models: Path) -> list[str]:
    """The pairs of name and text in the package's source, read without executing it."""
    tree = ast.parse((models / "identify" / "licenses.py").read_text(encoding="utf-8"))
    pairs = next(ast.literal_eval(node.value) for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)))
    return [text for name, text in pairs if name in LICENCES]


def change_lists() -> list[str]:
    """Python's own lists of changes and licence, in pieces of a few pages."""
    library = Path(inspect.getfile(inspect)).parent
    names = ["idlelib/News3.txt", "idlelib/NEWS2x.txt", "idlelib/CREDITS.txt", "idlelib/README.txt", "LICENSE.txt"]
    whole = [
        (library / name).read_text(encoding="utf-8", errors="replace") for name in names if (library / name).is_file()
    ]
    return [text[start : start + 6000] for text in whole for start in range(0, len(text), 6000)]


def python_texts() -> tuple[list[str], list[str]]:
    """Python's language manual and sources of its library (these depend on the Python version, 3.11 for our heads)."""
    return (
        [manual.topics[key] for key in sorted(manual.topics)],
        [inspect.getsource(importlib.import_module(name)) for name in MODULES],
    )


class Maker:
    """Text that only machines write: logs, listings, tables, JSON. Made from seeded random words and numbers."""

    def __init__(self, vocabulary: list[str], seed: int) -> None:
        self.rng = random.Random(seed)
        self.vocabulary = vocabulary

    def word(self) -> str:
        return self.rng.choice(self.vocabulary)

    def version(self) -> str:
        return ".".join(str(self.rng.randint(0, 30)) for _ in range(self.rng.randint(2, 4))) + self.rng.choice(
            ["", "-1", "+deb12u2"]
        )

    def time(self) -> str:
        r = self.rng
        day = f"20{r.randint(10, 29)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"
        return f"{day} {r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}"

    def name(self) -> str:
        return (
            self.rng.choice(["lib", "python3-", "", "", "x11-"])
            + self.word().lower()
            + self.rng.choice(["", "-data", "-dev", "2"])
        )

    def package_line(self) -> str:
        state = self.rng.choice(
            [
                "status installed",
                "status unpacked",
                "status half-configured",
                "configure",
                "trigproc",
                "upgrade",
                "startup archives unpack",
                "remove",
                "install",
            ]
        )
        return f"{self.time()} {state} {self.name()}:{self.rng.choice(['amd64', 'all'])} {self.version()} <none>"

    def service_line(self) -> str:
        level = self.rng.choice(["INFO", "WARN", "ERROR", "DEBUG", "notice"])
        message = " ".join(self.word() for _ in range(self.rng.randint(3, 10)))
        source = f"{self.time()} {self.name()}[{self.rng.randint(1, 40000)}]"
        return f"{source}: {level} {message} id={self.rng.randrange(1 << 32):x}"

    def access_line(self) -> str:
        r = self.rng
        place = ".".join(str(r.randint(1, 254)) for _ in range(4))
        return (
            f'{place} - - [{self.time()}] "{r.choice(["GET", "POST", "PUT"])} /{self.word()}/{self.word()} HTTP/1.1" '
            f'{r.choice([200, 200, 301, 404, 500])} {r.randint(0, 90000)} "-" "Mozilla/5.0"'
        )

    def table_line(self) -> str:
        cells = [self.rng.choice([self.word(), str(self.rng.randint(0, 9999)), self.version()]) for _ in range(6)]
        return self.rng.choice([",", " | ", "\t"]).join(cells)

    def json_line(self) -> str:
        return json.dumps(
            {
                self.word(): self.rng.choice([self.word(), self.rng.randint(0, 999), [self.word(), self.word()]])
                for _ in range(5)
            }
        )

    def change_line(self) -> str:
        text = " ".join(self.word() for _ in range(self.rng.randint(5, 14)))
        verb = self.rng.choice(["Fix", "Add", "Remove", "Update", "Do not"])
        return f"  * {verb} {text} (closes: #{self.rng.randint(1000, 999999)})"

    def heading_line(self) -> str:
        return (
            f"{self.rng.randint(1, 12)}.{self.rng.randint(1, 30)}. {self.word().title()} {self.word()} "
            + "." * self.rng.randint(3, 30)
            + f" {self.rng.randint(1, 400)}"
        )

    def document(self) -> str:
        line = self.rng.choice(
            [
                self.package_line,
                self.package_line,
                self.service_line,
                self.access_line,
                self.table_line,
                self.json_line,
                self.change_line,
                self.change_line,
                self.heading_line,
            ]
        )
        return "\n".join(line() for _ in range(60))


def vocabulary(sources: list[str]) -> list[str]:
    words = {word for text in sources for word in re.findall(r"[A-Za-z][a-z]{2,11}", text)}
    return sorted(words)


def all_groups(models: Path, news: list[texts.Article]) -> list[Group]:
    chapters, notes = manuals(models)
    language, code = python_texts()
    maker = Maker(vocabulary(chapters[:60]), MADE_SEED)
    return [
        Group(5, [article.whole for article in news]),
        Group(4, chapters),
        Group(3, notes),
        Group(5, licences(models)),
        Group(2, language),
        Group(2, code),
        Group(4, [maker.document() for _ in range(240)]),
    ]


def wide_groups(models: Path) -> list[Group]:
    """The groups of the second stage: the same kinds without the held-out part, with lists of changes and more code."""
    library = Path(inspect.getfile(inspect)).parent
    code = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(library.glob("*.py"))[::CODE_EVERY]]
    return groups(models) + [Group(4, change_lists()), Group(3, code)]


def part(groups: list[Group], held_out: bool) -> list[Group]:
    return [
        Group(group.weight, [text for index, text in enumerate(group.texts) if is_held_out(index) == held_out])
        for group in groups
    ]


def groups(models: Path) -> list[Group]:
    return part(all_groups(models, texts.topic_splits(models).train), held_out=False)


def held_out_groups(models: Path) -> list[Group]:
    return part(all_groups(models, texts.topic_splits(models).train), held_out=True)
