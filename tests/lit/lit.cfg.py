"""Tests of the plugin in the real `opt` and `clang`: lit tests/lit"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import lit.formats


def _llvm_tools() -> Path:
    """The folder of LLVM 22's own opt, FileCheck, … (LLVM_TOOLS_DIR names another one)."""
    chosen = os.environ.get("LLVM_TOOLS_DIR")
    folder = Path(chosen) if chosen else Path("/usr/lib/llvm-22/bin")
    missing = [tool for tool in ("opt", "clang", "FileCheck", "not", "lli") if not (folder / tool).exists()]
    if missing:
        sys.exit(
            f"tests/lit: no {', '.join(missing)} in {folder}: apt-get install clang-22 llvm-22-dev "
            "llvm-22-tools, or set LLVM_TOOLS_DIR"
        )
    return folder


def _plugin() -> Path:
    """The installed plugin (LLMCOOP_PLUGIN names another one)."""
    chosen = os.environ.get("LLMCOOP_PLUGIN")
    folders = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    command = shutil.which("llmcoop", path=folders)
    if not chosen and command:
        asked = subprocess.run([command, "plugin-path"], check=True, capture_output=True, text=True)
        chosen = asked.stdout.strip()
    if not chosen or not Path(chosen).is_file():
        sys.exit("tests/lit: no plugin: pip install . first, or set LLMCOOP_PLUGIN to the path of LLMCoop.so")
    return Path(chosen)


config = globals()["config"]  # lit defines it
tools = _llvm_tools()
plugin = _plugin()
here = Path(__file__).parent
passes = "-passes='llmcoop<budget=60;proposer={}>'"

config.name = "LLMCoop"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = {".ll", ".c"}
config.excludes = {"Inputs"}
config.test_source_root = str(here)
folders = (str(tools), str(Path(sys.executable).parent), os.environ["PATH"])
config.environment["PATH"] = os.pathsep.join(folders)
# Only what a test says itself may influence the plugin.
for name in [name for name in config.environment if name.startswith(("LLMCOOP_", "OPENAI_"))]:
    del config.environment[name]

config.test_exec_root = str(Path(tempfile.gettempdir()) / f"llmcoop-lit-{os.getuid()}")
config.substitutions += [
    ("%plugin", str(plugin)),
    ("%bridge", str(plugin.parent / "LLMCoopPython.so")),
    ("%python", sys.executable),
    ("%opt", f"opt -load-pass-plugin={plugin} -pass-remarks=llmcoop -pass-remarks-missed=llmcoop -S"),
    ("%clang", f"clang -fpass-plugin={plugin} -Rpass=llmcoop -Rpass-missed=llmcoop"),
    ("%search", f"clang -fpass-plugin={plugin} -Rpass=llmcoop -Rpass-missed=llmcoop -mllvm -llmcoop-mode=search"),
    ("%keep", f"{sys.executable} {here / 'Inputs' / 'keep.py'}"),
    ("%split", f"{sys.executable} {here / 'Inputs' / 'split.py'}"),
    ("%serve", f"{sys.executable} {here / 'Inputs' / 'server.py'}"),
    ("%judge", f"{sys.executable} {here / 'Inputs' / 'judge.py'}"),
    ("%propose-files", passes.format(here / "Inputs" / "proposers.py:files")),
    ("%propose-instcombine", passes.format(here / "Inputs" / "proposers.py:instcombine")),
    ("%propose-identity", passes.format(here / "Inputs" / "proposers.py:identity")),
    ("%proposers", str(here / "Inputs" / "proposers.py")),
]
