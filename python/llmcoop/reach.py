"""What rewritten C may reach outside itself: no more than the program does, and what computes or prints."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

from llmcoop.errors import ProgramError

# Of the C library: memory, strings, numbers, sorting, and streams that are open already.
_HARMLESS = (
    "abort abs aligned_alloc bcmp bsearch bzero calloc clearerr div exit fabs fclose ferror ferror_unlocked feof "
    "feof_unlocked fflush fflush_unlocked fgetc fgetc_unlocked fgets fgets_unlocked fputc fputc_unlocked fputs "
    "fputs_unlocked fread fread_unlocked free fwrite fwrite_unlocked fprintf getc getchar getchar_unlocked "
    "getc_unlocked getline imaxdiv isalnum isalpha isdigit islower isspace isupper labs ldiv llabs lldiv malloc "
    "memccpy memchr memcmp memcpy memmove mempcpy memrchr memset perror posix_memalign printf putc putc_unlocked "
    "putchar putchar_unlocked puts qsort qsort_r rawmemchr read realloc reallocarray scanf setbuf setvbuf snprintf "
    "sprintf sscanf stpcpy strcat strchr strchrnul strcmp strcpy strcspn strdup strlen strncat strncmp strncpy "
    "strndup strnlen strpbrk strrchr strspn strstr strtod strtof strtok strtok_r strtol strtold strtoll strtoul "
    "strtoull tolower toupper ungetc vfprintf vprintf vsnprintf write acos asin atan atan2 cbrt ceil copysign cos "
    "cosh exp exp2 expm1 floor fma fmax fmin fmod frexp hypot ldexp log log10 log1p log2 lrint lround llrint llround "
    "modf nearbyint pow remainder rint round scalbn sin sinh sqrt tan tanh trunc"
)
_ASSEMBLY = re.compile(
    r"^module asm|\basm (?:sideeffect |alignstack |inteldialect |unwind )*\"([^\"]*)\"", re.MULTILINE
)


_FEATURES = re.compile(r'"target-features"="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Reach:
    """What a version of a program takes from outside: functions that it declares, assembly in its C, the processor."""

    functions: frozenset[str]
    assembly: frozenset[str]
    features: frozenset[str]  # of processors, as LLVM calls them, that any of its code is compiled for

    @staticmethod
    def of(module: str, declared: Iterable[str]) -> Reach:
        """That of a module (text) before any pass. Assembly that is empty only keeps the compiler from something."""
        assembly = (found[0] for found in _ASSEMBLY.finditer(module) if found[1] != "")
        changes = (change for found in _FEATURES.finditer(module) for change in found[1].split(","))
        features = (change[1:] for change in changes if change.startswith("+"))
        return Reach(frozenset(declared), frozenset(assembly), frozenset(features))

    def refuse(self, rewritten: Reach, here: Container[str]) -> None:
        """Raises ProgramError when a rewrite reaches for more than this program and what is harmless.

        `here` are the features of this machine's processor: code for others could not be tested.
        """
        foreign = sorted(name for name in rewritten.functions - self.functions if not _harmless(name))
        if foreign:
            raise ProgramError(
                f"it calls what the original does not: {', '.join(foreign)}",
                "a rewrite may call what the original calls, and what of the C library computes or prints",
            )
        if rewritten.assembly - self.assembly:
            raise ProgramError("it has assembly that the original does not have", "use C and clang's builtins instead")
        untested = sorted(name for name in rewritten.features - self.features if name not in here)
        if untested:
            raise ProgramError(
                f"it has code for processors that this one is not: {', '.join(untested)}",
                "write nothing that can't be tested here",
            )


def _harmless(name: str) -> bool:
    """With the suffixes that numeric functions have for float and long double."""
    known = _HARMLESS.split()
    return name in known or name.removesuffix("f") in known or name.removesuffix("l") in known or _own(name)


def _own(name: str) -> bool:
    """Whether the compiler (for `target_clones`, say) or the headers of the C library make such calls."""
    return name == "__cpu_indicator_init" or name.startswith(("llvm.", "__isoc99_", "__isoc23_", "__ctype_"))
