"""Run assemblers in the sandbox: clang's to make objects, GNU's to refuse what the program's CPU need not have.

LLVM's assembler takes the instructions of every CPU whatever it is told; that of GNU binutils minds `-march`.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmcoop import clang, process
from llmcoop.assembly import listing, rules, statements
from llmcoop.assembly.rules import AssemblyRefused
from llmcoop.clang import Confinement
from llmcoop.errors import ProgramError, ToolchainError
from llmcoop.sandbox import Sandbox
from llmcoop.toolchain import Toolchain

_TIMEOUT_S = 60.0
_SHOWN = 8  # errors of an assembler in one message
_ERROR = re.compile(r"^[^\n:]*:(\d+)(?::\d+)?: (?:error|Error): (.*)(?:\n\s+(.*))?$", re.MULTILINE)
_BEYOND = re.compile(r"`([^' ]*)[^']*' is not supported on `.*'|no such instruction: `(\S+).*'")
_FEATURES = re.compile(r'"target-features"="([^"]*)"')

# LLVM's names of features, and what binutils calls them. "generic64" has those up to SSE2.
_SAME_NAME = re.compile(
    r"s?sse3|sse4\.[12]|sse4a|avx|avx2|fma|fma4|f16c|xop|bmi|bmi2|tbm|adx|aes|pclmul|popcnt|lzcnt|movbe|cx16|sha"
    r"|prfchw|clflushopt|clwb|xsave|xsaveopt|xsavec|gfni|vaes|vpclmulqdq|movdiri|movdir64b"
    r"|avx512(f|cd|bw|dq|vl|ifma|vbmi)"
)
_OTHER_NAME = {
    "avx512vbmi2": "avx512_vbmi2",
    "avx512vnni": "avx512_vnni",
    "avx512bitalg": "avx512_bitalg",
    "avx512vpopcntdq": "avx512_vpopcntdq",
    "avx512bf16": "avx512_bf16",
    "avx512fp16": "avx512_fp16",
    "avx512vp2intersect": "avx512_vp2intersect",
    "avxvnni": "avx_vnni",
}
# What an extension comes with; LLVM leaves that out of what it says of a clone.
_IMPLIED = {
    "ssse3": ("sse3",),
    "sse4.1": ("ssse3", "sse3"),
    "sse4.2": ("sse4.1", "ssse3", "sse3"),
    "avx": ("sse4.2", "sse4.1", "ssse3", "sse3"),
    "avx2": ("avx", "sse4.2", "sse4.1", "ssse3", "sse3"),
    "avx512f": ("avx2", "avx", "sse4.2", "sse4.1", "ssse3", "sse3"),
    "avx512bw": ("avx512f", "avx2", "avx", "sse4.2", "sse4.1", "ssse3", "sse3"),
}
_ALWAYS = ("generic64", "ibt")  # endbr64 does nothing on a CPU that does not know it


@dataclass(frozen=True, slots=True)
class Assembler:
    """Assembles what nobody has read; sees no file but the one that it is given."""

    toolchain: Toolchain
    sandbox: Sandbox
    cflags: tuple[str, ...] = ()

    def object(self, text: str) -> bytes:
        """An object file of a module.

        Raises ProgramError with the first errors; their lines are those of the function where one was replaced.
        """
        with tempfile.TemporaryDirectory(prefix="llmcoop-asm-") as name:
            source, output = Path(name, "module.s"), Path(name, "module.o")
            source.write_text(text, errors="surrogateescape")
            done = clang.assemble(self.toolchain, self.cflags, source, output, self._confinement)
            if done.returncode == 0 and output.exists():
                return output.read_bytes()
        raise ProgramError("it does not assemble:\n" + _errors(done.stderr.decode(errors="replace")))

    def rewritten(self, module: str, name: str, text: str, features: str) -> tuple[str, bytes]:
        """The module with `text` in place of the function `name`, and its object file.

        `features` are those that LLVM compiled the function for, as `assembly.features` gives them.

        Raises AssemblyRefused for what is against the rules or beyond that CPU, ProgramError for what does not
        assemble; lines are those of `text`.
        """
        original = listing.function(module, name)
        rules.check(original, text, module)
        changed = listing.replaced(module, name, text)
        made = self.object(changed)
        found = self.beyond(text, features)
        known = {mnemonic for _, mnemonic in self.beyond(original, features)} if found else set[str]()
        wrong = [f"line {line}: {mnemonic}" for line, mnemonic in found if mnemonic not in known]
        if wrong:
            allowed = ", ".join(extensions(features)) or "no extension beyond SSE2"
            reason = f"the program is compiled for a CPU that need not have these instructions (it has {allowed}):"
            raise AssemblyRefused("\n".join((reason, *wrong[:_SHOWN])))
        return changed, made

    @property
    def _confinement(self) -> Confinement:
        return Confinement(self.sandbox, self.toolchain.outside_usr)

    def beyond(self, text: str, features: str) -> list[tuple[int, str]]:
        """Lines with instructions that a CPU with these features need not have, and their mnemonics."""
        march = "+".join((*_ALWAYS, *extensions(features)))
        with tempfile.TemporaryDirectory(prefix="llmcoop-asm-") as name:
            source = Path(name, "function.s")
            source.write_text(statements.without_comments(text), errors="surrogateescape")
            argv = [_gnu_assembler(), "--64", f"-march={march}", str(source), "-o", f"{name}/function.o"]
            done = process.run(self._confinement.command(argv, Path(name)), timeout_s=_TIMEOUT_S)
        said = done.stderr.decode(errors="replace")
        if done.returncode != 0 and not _ERROR.search(said):
            raise ToolchainError(f"{argv[0]} fails: {said.strip()[:200]}", "is it that of GNU binutils 2.38 or newer?")
        return [
            (int(line), found[1] or found[2])
            for line, message, _ in _ERROR.findall(said)
            if (found := _BEYOND.match(message))
        ]


def features(ir: str, function: str) -> str:
    """What LLVM compiles a function of a module (text) for: its attribute "target-features"; empty without one."""
    quoted = rf'(?:{re.escape(function)}|"{re.escape(function)}")'
    definition = re.search(rf"^define [^\n]*@{quoted}\([^\n]*", ir, re.MULTILINE)
    if definition is None:
        return ""
    for number in re.findall(r"#\d+", definition[0]):
        group = re.search(rf"^attributes {number} = [^\n]*", ir, re.MULTILINE)
        if group and (found := _FEATURES.search(group[0])):
            return found[1]
    return ""


def extensions(features: str) -> Sequence[str]:
    """The extensions beyond SSE2 in a list of features ("+sse2,+avx"), as binutils calls them."""
    names = [name.removeprefix("+") for name in features.split(",") if name.startswith("+")]
    known = [name for name in names if name in _OTHER_NAME or _SAME_NAME.fullmatch(name)]
    implied = [other for name in known for other in _IMPLIED.get(name, ())]
    return [_OTHER_NAME.get(name, name) for name in dict.fromkeys((*implied, *known))]


def _gnu_assembler() -> str:
    found = shutil.which("as", path="/usr/bin:/bin")
    if found is None:
        raise ToolchainError("as, the assembler of GNU binutils, not found", "apt-get install binutils")
    return found


def _errors(said: str) -> str:
    found = [f"line {line}: {message}: {code.strip()}" for line, message, code in _ERROR.findall(said)]
    return "\n".join(found[:_SHOWN]) if found else said.strip()[:400]
