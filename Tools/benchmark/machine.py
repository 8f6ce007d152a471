"""What the figures were measured on, in a line."""

from __future__ import annotations

import os
from pathlib import Path

SHOWN_FLAGS = {
    "avx2": "AVX2",
    "avx_vnni": "AVX-VNNI",
    "avx512_vnni": "AVX512-VNNI",
    "avx512_bf16": "AVX512-BF16",
    "amx_int8": "AMX-INT8",
}


def describe_machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Model, its family number (a hypervisor often hides the name), cores that may be used, and instruction sets."""
    fields: dict[str, str] = {}
    for line in cpuinfo.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = set(fields.get("flags", "").split())
    sets = ", ".join(word for flag, word in SHOWN_FLAGS.items() if flag in flags) or "no SIMD named here"
    number = f"family {fields.get('cpu family', '?')} model {fields.get('model', '?')}"
    return f"{len(os.sched_getaffinity(0))} cores of {fields.get('model name', 'an unknown CPU')} ({number}; {sets})"
