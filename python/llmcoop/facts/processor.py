"""The processor of this machine."""

from __future__ import annotations

import functools
import platform
import re
from collections.abc import Sequence
from pathlib import Path

from llmcoop.facts.values import Cpu

# What changes how hot loops are written; the rest is for kernels and cryptography.
_FEATURES = (
    *("sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "lzcnt", "bmi", "bmi2", "avx", "f16c", "fma", "avx2"),
    *(
        "avx512f",
        "avx512bw",
        "avx512dq",
        "avx512vl",
        "avx512vbmi",
        "avx512vbmi2",
        "avx512vnni",
        "avx512bitalg",
        "avx512vpopcntdq",
        "avx512fp16",
        "avxvnni",
        "gfni",
    ),
)
# What of these a processor of each level must have; the older ones of a level come with the newer ones.
_LEVELS = {
    "x86-64-v2": ("popcnt", "sse4.2"),
    "x86-64-v3": ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt"),
    "x86-64-v4": ("avx2", "bmi2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"),
}
_BASELINE = "x86-64"
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def describe(cflags: Sequence[str]) -> Cpu:
    """This machine's processor, and what `cflags` compile for."""
    from llvmlite import binding  # noqa: PLC0415 - see `features`

    known = features()
    march = [flag.partition("=")[2] for flag in cflags if flag.startswith("-march=")]
    return Cpu(
        name=binding.get_host_cpu_name(),
        model=model(),
        march=march[-1] if march else _BASELINE,
        features=tuple(name for name in _FEATURES if name in known),
        l1d_bytes=_cache_bytes(1),
        l2_bytes=_cache_bytes(2),
        l3_bytes=_cache_bytes(3),
    )


@functools.cache
def features() -> frozenset[str]:
    """What this machine's processor has, by LLVM's names."""
    # A second LLVM: not in a compiler that our plugin runs in, which needs no more than the values.
    from llvmlite import binding  # noqa: PLC0415

    return frozenset(name for name, has in binding.get_host_cpu_features().items() if has)


def supports(level: str) -> bool:
    """Whether this machine is of an x86-64 level, such as x86-64-v3."""
    return features().issuperset(_LEVELS[level])


def model() -> str:
    """The processor's name as the system has it."""
    found = re.search(r"^model name\s*: (.+)$", _read(Path("/proc/cpuinfo")), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _cache_bytes(level: int) -> int:
    """Size of the cache for data of that level; 0 where the system does not say."""
    for folder in sorted(_CACHES.glob("index*")):
        holds_data = _read(folder / "type").strip() in ("Data", "Unified")
        size = re.fullmatch(r"(\d+)([KMG]?)", _read(folder / "size").strip())
        if holds_data and size and _read(folder / "level").strip() == str(level):
            return int(size[1]) * _UNITS[size[2]]
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
