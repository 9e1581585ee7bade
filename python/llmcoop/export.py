"""Write what a user takes home from a run: the executable, its IR and assembly, and how to build it again."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path

from llmcoop.lowering import Finished
from llmcoop.rewrites import Rewrite, files, save
from llmcoop.toolchain import Toolchain
from llmcoop.values import Candidate, Program

PATCH = "rewrite.patch"
REWRITES = "rewrites"  # folder of those that later builds can have


def write(
    out: Path,
    toolchain: Toolchain,
    program: Program,
    baseline: Path,
    winner: tuple[Candidate, Finished] | None,
    texts: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Write `best`, and for a winner its artifacts; without one `best` is the baseline. Gives the files' names.

    `texts` are the source files that the winner changes, by name: they make `rewrite.patch`.
    """
    for stale in (*out.glob("best*"), *(out / name for name in ("rebuild.sh", "rebuilt", "recipe.json", PATCH))):
        stale.unlink(missing_ok=True)
    if winner is None:
        shutil.copy(baseline, out / "best")
        return ("best",)
    candidate, finished = winner
    shutil.copy(finished.lowered.executable, out / "best")
    names = ["best"]
    many = len(finished.ir) > 1
    for number, (ir, assembly) in enumerate(zip(finished.ir, finished.assembly, strict=True)):
        stem = f"best.{number}" if many else "best"
        (out / f"{stem}.ll").write_text(ir)
        (out / f"{stem}.s").write_text(assembly, errors="surrogateescape")
        names += [f"{stem}.ll", f"{stem}.s"]
    (out / "recipe.json").write_text(candidate.recipe.canonical() + "\n")
    script = out / "rebuild.sh"
    assemblies = [name for name in names if name.endswith(".s")]
    script.write_text(_script(toolchain, program, assemblies, candidate.recipe.bolt))
    script.chmod(0o755)
    names += ["recipe.json", "rebuild.sh"]
    if texts:
        (out / PATCH).write_text(_patch(program, texts), errors="surrogateescape")
        names.append(PATCH)
    return tuple(names)


def write_rewrites(out: Path, rewrites: Sequence[Rewrite]) -> tuple[str, ...]:
    """Write rewrites for builds into their folder, in place of those of an earlier run. Gives the files' names."""
    for stale in files(out / REWRITES):
        stale.unlink()
    return tuple(str(save(rewrite, out / REWRITES).relative_to(out)) for rewrite in rewrites)


def _patch(program: Program, texts: Mapping[str, str]) -> str:
    """A unified diff of the sources, for review and for patch(1)."""
    lines: list[str] = []
    for source in program.sources:
        if source.name in texts:
            old = source.read_text(errors="surrogateescape").splitlines(keepends=True)
            new = texts[source.name].splitlines(keepends=True)
            lines += unified_diff(old, new, f"a/{source.name}", f"b/{source.name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _script(toolchain: Toolchain, program: Program, assemblies: Sequence[str], bolt: bool) -> str:
    """Commands that build the executable from its assembly, without LLMCoop."""
    difference = "before llvm-bolt moved it by a profile" if bolt else "bar padding"
    # Flags of the front end mean nothing to the assembler; with -Werror that would be an error.
    flags = [*program.cflags, "-Qunused-arguments", "-x", "none", *assemblies]
    link = [str(toolchain.clang), *flags, *program.ldflags, "-o", "rebuilt"]
    return "\n".join(
        (
            "#!/bin/sh",
            f"# Builds the executable from its assembly, without LLMCoop: the code of ./best, {difference}.",
            "set -eu",
            "unset CDPATH",
            'cd -- "$(dirname -- "$0")"',
            shlex.join(link),
            "",
        )
    )
