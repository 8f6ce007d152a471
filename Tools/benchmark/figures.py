"""All that one call measured: kept in a file after every row, shown as tables at the end."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .cells import PEERS
from .encoder import Measured, Profile
from .judgement import Judged, judge
from .mixed import MixedRow
from .tables import Table, cell_tables, mixed_table, own_table, profile_table, targets_table


def cell_as_json(one: Measured) -> dict:
    return asdict(one) | {
        "gmacs": one.cell.gmacs,
        "peak_share": one.peak_share,
        "ratios": {peer: one.ratio(peer) for peer in PEERS if one.ratio(peer) is not None},
    }


@dataclass
class Figures:
    """Rows as they come; with a `file`, what came so far is in it, also when the run is ended."""

    machine: str
    file: Path | None = None
    cells: list[Measured] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    mixed: list[MixedRow] = field(default_factory=list)
    mixed_lengths: list[int] = field(default_factory=list)
    mixed_threads: int = 1
    own: list[dict] = field(default_factory=list)

    def add(self, row: Measured | Profile | MixedRow | dict) -> None:
        kinds = {Measured: self.cells, Profile: self.profiles, MixedRow: self.mixed, dict: self.own}
        kinds[type(row)].append(row)
        self.save()

    @property
    def judged(self) -> list[Judged]:
        return judge(self.cells, self.mixed)

    def as_json(self) -> dict:
        return {
            "machine": self.machine,
            "targets": [asdict(one) | {"holds": one.holds} for one in self.judged],
            "cells": [cell_as_json(one) for one in self.cells],
            "mixed": [asdict(row) for row in self.mixed],
            "profiles": [asdict(profile) for profile in self.profiles],
            "rows": self.own,
        }

    def save(self) -> None:
        """Beside the file and then in its place: a run that is killed leaves no half of one."""
        if self.file is None:
            return
        beside = self.file.with_name(self.file.name + ".new")
        beside.write_text(json.dumps(self.as_json(), indent=1) + "\n", encoding="utf-8")
        beside.replace(self.file)

    def tables(self) -> list[Table]:
        judged = self.judged
        tables = [targets_table(judged)] if judged else []
        tables += cell_tables(self.cells)
        if self.mixed:
            tables.append(mixed_table(self.mixed_lengths, self.mixed_threads, self.mixed))
        tables += [profile_table(profile) for profile in self.profiles]
        return tables + ([own_table(self.own)] if self.own else [])
