"""What the plugin costs a clang compile in which it has nothing to do.

    python benchmarks/plugin_overhead.py [PLUGIN]

Prints the median difference of 60 paired, interleaved compiles with and without the plugin, for a file
without functions, for one whose functions are not selected, without rewrites to apply, and for mode=off; and
whether Python was loaded.
PLUGIN is the path of LLMCoop.so; without it, `llmcoop plugin-path` is asked.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAIRS = 60
LIMIT_MS = 3.0
EMPTY = "int value = 3;\n"
FUNCTION = "int sum(const int *p, int n) { int s = 0; for (int i = 0; i < n; i++) s += p[i]; return s; }\n"
CASES = (
    ("no functions", EMPTY, {}),
    ("none selected", FUNCTION, {"LLMCOOP_MODE": "search", "LLMCOOP_FUNCTIONS": "no_such_function"}),
    ("no rewrites", FUNCTION, {}),
    ("no folder", FUNCTION, {"LLMCOOP_REWRITES": "/no/such/folder"}),
    ("mode=off", FUNCTION, {"LLMCOOP_MODE": "off"}),
)


def main() -> int:
    """Print one line for each case; 1 if a median is over the limit or Python was loaded."""
    plugin = sys.argv[1] if len(sys.argv) > 1 else _output([sys.executable, "-m", "llmcoop", "plugin-path"]).strip()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "file.c"
        for name, text, settings in CASES:
            source.write_text(text)
            environment = os.environ | settings
            plain = ["clang-22", "-O3", "-c", str(source), "-o", "/dev/null"]
            loaded = [*plain, f"-fpass-plugin={plugin}"]
            extra_ms = _median_extra_ms(plain, loaded, environment)
            python = _loads_python(loaded, environment)
            good = good and extra_ms <= LIMIT_MS and not python
            answer = "YES" if python else "no"
            print(f"{name:14} {extra_ms:+.2f} ms (at most {LIMIT_MS:g}), Python loaded: {answer}")
    return 0 if good else 1


def _median_extra_ms(plain: list[str], loaded: list[str], environment: dict[str, str]) -> float:
    differences = []
    for index in range(PAIRS + 3):
        if index % 2:
            plain_ms, loaded_ms = _time_ms(plain, environment), _time_ms(loaded, environment)
        else:
            loaded_ms, plain_ms = _time_ms(loaded, environment), _time_ms(plain, environment)
        differences.append(loaded_ms - plain_ms)
    return statistics.median(differences[3:])  # the first ones warm the caches


def _time_ms(argv: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(argv, env=environment, check=True)
    return (time.perf_counter() - started) * 1000


def _loads_python(argv: list[str], environment: dict[str, str]) -> bool:
    traced = subprocess.run(argv, env=environment | {"LD_DEBUG": "files"}, check=True, capture_output=True)
    return b"libpython" in traced.stderr or b"LLMCoopPython" in traced.stderr


def _output(argv: list[str]) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
