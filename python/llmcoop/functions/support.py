"""Say what a function does that can't be observed by calling it in a process of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from llvmlite import binding

from llmcoop.functions.text import CALLEE, NAME, RESULT

# Functions of libc and libm that only compute, or only touch the memory that they are given.
_MATHEMATICS = (
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos", "cosh"),
    *("erf", "erfc", "exp", "exp2", "expm1", "fabs", "fdim", "floor", "fma", "fmax", "fmin", "fmod", "hypot"),
    *("ldexp", "lgamma", "log", "log10", "log1p", "log2", "logb", "lrint", "lround", "modf", "nearbyint"),
    *("nextafter", "pow", "remainder", "rint", "round", "scalbn", "sin", "sincos", "sinh", "sqrt", "tan", "tanh"),
    *("tgamma", "trunc"),
)
_MEMORY = (
    *("memcpy", "memmove", "memset", "memcmp", "bcmp", "memchr", "strlen", "strnlen", "strcmp", "strncmp"),
    *("strchr", "strrchr", "strstr", "strspn", "strcspn", "strcpy", "strncpy", "strcat", "strncat"),
    *("abs", "labs", "llabs", "div", "ldiv"),
)
_KNOWN = {*_MEMORY, *(name + suffix for name in _MATHEMATICS for suffix in ("", "f"))}
# Intrinsics whose effect is not their result, nor in memory that they are given.
_NOT_COMPUTING = re.compile(
    r"llvm\.(eh|coro|gc|va_|vacopy|vastart|vaend|read|write|thread|local|returnaddress|frameaddress|addressof|"
    r"stacksave|stackrestore|init\.tramp|adjust\.tramp|clear_cache|prefetch|instrprof|xray|pcmarker|get\.fp|set\.fp|"
    r"set\.rounding|experimental\.(constrained|gc|patch|stack|deopt|guard)|memcpy\.element|memmove\.element|"
    r"x86\.(rd|wr|xgetbv|sse\.ldmxcsr|sse\.stmxcsr|xsave|fxsave|seh|int|tpause|umwait|cldemote|clflush|enc|pconf))"
)
_HARMLESS = re.compile(r"llvm\.(prefetch|stacksave|stackrestore|experimental\.noalias)")
_LOOSE_FLOAT = re.compile(r"\b(fast|reassoc|contract|arcp|afn|nnan|ninf)\b(?=.*(float|double|half|fp))")
_FLOAT_OPERATION = re.compile(r"(?:tail call|call|f\w+|phi|select)\b")
_CALL = re.compile(r"(?:tail |musttail |notail )?call ")
_VOLATILE = re.compile(r"(load|store) (atomic )?volatile |.*@llvm\.mem\w+\..*, i1 true\)")
_ADDRESS = re.compile(r"@([\w.$]+)(?![\w.$(])")
_OTHER_KINDS = {
    "invoke": "it handles exceptions",
    "landingpad": "it handles exceptions",
    "resume": "it handles exceptions",
    "callbr": "it has inline assembly",
    "va_arg": "it takes a variable number of arguments",
    "fence": "it has an atomic operation",
    "cmpxchg": "it has an atomic operation",
    "atomicrmw": "it has an atomic operation",
    "indirectbr": "it jumps to computed places",
}


def why_unsupported(module: binding.ModuleRef, name: str) -> str:
    """Why `name` can't be tested by calling it; empty when it can."""
    defined = {function.name for function in module.functions if not function.is_declaration}
    if name not in defined:
        return f"there is no definition of {name}"
    if str(module.get_function(name).global_value_type).endswith("...)"):
        return "it takes a variable number of arguments"
    text, functions = str(module), {function.name for function in module.functions}
    hidden = {function: f"it uses the address of the function {function}" for function in functions}
    for variable in module.global_variables:
        if " thread_local" in str(variable).partition("global")[0]:
            hidden[variable.name] = f"{variable.name} is thread-local"
    reasons = (*_of_instructions(text, defined, hidden), *_of_processor(text))
    return next(filter(None, reasons), "")


def aliasing_is_promised_away(text: str) -> bool:
    """Whether some pointer may not alias others for reasons that attributes of the parameters don't say."""
    return "@llvm.experimental.noalias.scope.decl" in text


def _instructions(text: str) -> Iterator[str]:
    """The printed instructions of all functions, without results."""
    for line in text.splitlines():
        if line.startswith("  ") and not line.startswith("    "):
            _, equals, operation = line.partition(" = ")
            yield operation if equals and RESULT.match(line) else line.strip()


def _of_instructions(text: str, defined: set[str], hidden: Mapping[str, str]) -> Iterator[str]:
    for operation in _instructions(text):
        yield _of_instruction(operation, defined)
        yield from (hidden[name] for name in _ADDRESS.findall(operation) if name in hidden)


def _of_instruction(operation: str, defined: set[str]) -> str:
    opcode = operation.partition(" ")[0]
    if opcode in _OTHER_KINDS:
        return _OTHER_KINDS[opcode]
    if _VOLATILE.match(operation):
        return "it has a volatile access"
    if re.match(r"(load|store) atomic ", operation):
        return "it has an atomic operation"
    if "addrspace(" in operation or "vscale" in operation:
        return "it uses another address space, or vectors of unknown length"
    if _FLOAT_OPERATION.match(operation) and _LOOSE_FLOAT.search(operation.partition("@")[0]):
        return "its floating-point results may differ legally (fast-math flags)"
    return _of_call(operation, defined) if _CALL.match(operation) else ""


def _of_call(operation: str, defined: set[str]) -> str:
    if " asm " in operation.partition("(")[0] or re.search(r"\basm (sideeffect|inteldialect|\")", operation):
        return "it has inline assembly"
    callee = CALLEE.search(operation)
    if callee is None or re.search(rf"%{NAME}\(", operation.partition("@")[0]):
        return "it calls through a pointer"
    name = callee[1].strip('"')
    if name.startswith("llvm."):
        hidden = _NOT_COMPUTING.match(name) and not _HARMLESS.match(name)
        return f"it uses {name}" if hidden else ""
    return "" if name in defined or name in _KNOWN else f"it calls {name}, whose effects are not known"


def _of_processor(text: str) -> Iterator[str]:
    host = binding.get_host_cpu_features()
    for features in re.findall(r'"target-features"="([^"]*)"', text):
        for feature in features.split(","):
            if feature.startswith("+") and not host.get(feature[1:], True):
                yield f"it needs {feature[1:]}, which this processor has not"
