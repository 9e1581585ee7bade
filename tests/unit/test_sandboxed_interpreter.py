"""Scripts that nobody has read: the standard library works, and nothing else can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcoop import interpreter
from llmcoop.process import Completed
from llmcoop.sandbox import Limits, Sandbox

LIMITS = Limits(cpu_s=1.0, wall_s=1.0, memory_bytes=512 << 20, file_bytes=1 << 20, processes=8, stack_bytes=8 << 20)
OUTPUT_BYTES = 1 << 20
FORKS = """
import os
children = 0
try:
    while children < 100:
        if os.fork() == 0:
            os.read(os.pipe()[0], 1)
        children += 1
except OSError:
    pass
os.write(1, b"%d" % children)
os._exit(0)
"""


def run(sandbox: Sandbox, script: str) -> Completed:
    return interpreter.run_script(sandbox, script, ["7"], limits=LIMITS, output_limit=OUTPUT_BYTES)


def test_a_script_gets_its_argument_and_the_standard_library(sandbox: Sandbox) -> None:
    done = run(
        sandbox, "import json, random, sys\nprint(json.dumps([random.Random(1).randrange(9), sys.argv[1], 'é']))"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b'"7", "\\u00e9"]\n')


@pytest.mark.parametrize(
    "script",
    [
        "print(open('/etc/passwd').read())",
        "import os; print(open(os.path.expanduser('~root/.bashrc')).read())",
        "import socket; socket.create_connection(('127.0.0.1', 22), 1); print('open')",
        "import socket; socket.create_connection(('192.0.2.1', 80), 1); print('open')",
        "open('/usr/mark', 'w').write('x'); print('written')",
        "x = 'x' * (2 << 30); print('made')",
    ],
)
def test_what_it_should_not_do_fails(sandbox: Sandbox, script: str) -> None:
    done = run(sandbox, script)
    assert done.returncode != 0
    assert done.stdout == b""


def test_it_can_not_read_what_lies_beside_it(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("17")
    assert run(sandbox, f"print(open({str(tmp_path / 'secret')!r}).read())").stdout == b""


def test_it_forks_only_so_often_and_leaves_nothing_behind(sandbox: Sandbox) -> None:
    done = run(sandbox, FORKS)
    assert int(done.stdout) <= LIMITS.processes


def test_endless_output_is_cut_off(sandbox: Sandbox) -> None:
    done = run(sandbox, "while True: print('x' * 1000)")
    assert done.output_exceeded
    assert len(done.stdout) <= OUTPUT_BYTES


@pytest.mark.parametrize("script", ["while True: pass", "import time; time.sleep(100)"])
def test_an_endless_script_is_ended(sandbox: Sandbox, script: str) -> None:
    done = run(sandbox, f"print('before', flush=True)\n{script}")
    assert done.returncode != 0
    assert done.stdout == b"before\n"
