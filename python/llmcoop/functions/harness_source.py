"""Write the C program that calls one function on generated data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcoop.ir.demands import Demands, ParameterDemand

_C_TYPES = {
    "void": "void",
    "i1": "_Bool",
    "i8": "signed char",
    "i16": "int16_t",
    "i32": "int32_t",
    "i64": "int64_t",
    "float": "float",
    "double": "double",
    "ptr": "void *",
}
_ELEMENTS = {
    "i8": "uint8_t",
    "i16": "int16_t",
    "i32": "int32_t",
    "i64": "int64_t",
    "float": "float",
    "double": "double",
}
_MARGIN = 9 / 8  # memory grows a little faster than its leading term says

_TEMPLATE = """\
/* Calls {name} on generated data and prints checksums of what it returns and leaves in memory.
   Arguments: seed, size, repetitions. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern {result} {name}({types});

/* The compiler can't know what is called through it. */
static {result} (*volatile call)({types}) = {name};

static uint64_t state;

static uint64_t next(void) {{
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}}

static double real(void) {{ return (double)(int64_t)next() / 9223372036854775808.0; }}

static uint64_t mixed(uint64_t sum, uint64_t bits) {{ return (sum ^ bits) * 0x100000001b3u + (bits >> 29); }}

/* All NaNs count as one. */
static uint64_t bits_of(double value) {{
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return value == value ? bits : 1;
}}

static void *memory(size_t size) {{
  void *start = malloc(size ? size : 1);
  if (!start)
    exit(2);
  return start;
}}

/* The types above are those of the binary interface. */
__attribute__((no_sanitize("function"))) int main(int argc, char **argv) {{
  if (argc != 4)
    return 2;
  state = strtoull(argv[1], NULL, 10);
  size_t size = strtoull(argv[2], NULL, 10);
  uint64_t repetitions = strtoull(argv[3], NULL, 10);
  uint64_t results = 0;
{setup}
  for (uint64_t i = 0; i < repetitions; i++) {{
    if (i % 8 == 0) {{
{restore}
    }}
    {call}
  }}
  printf("result %016llx\\n", (unsigned long long)results);
{report}
  return 0;
}}
"""


@dataclass(frozen=True, slots=True)
class Growth:
    """How many bytes a buffer needs for a size n: `coefficient` times n to the power of `degree`."""

    coefficient: int
    degree: int

    def bytes_at(self, size: int) -> int:
        return self.coefficient * size**self.degree

    @staticmethod
    def fitted(sizes: Sequence[int], lengths: Sequence[int]) -> Growth:
        """The least growth that covers every length measured, with a margin for larger sizes."""
        if not any(lengths):
            return Growth(0, 0)
        last, middle = len(sizes) - 1, len(sizes) // 2
        degree = 0
        if lengths[middle] and sizes[last] > sizes[middle]:
            growth = math.log(lengths[last] / lengths[middle]) / math.log(sizes[last] / sizes[middle])
            degree = min(4, max(0, round(growth)))
        ratios = {length / size**degree for size, length in zip(sizes, lengths, strict=True)}
        return Growth(math.ceil(max(ratios) * (_MARGIN if degree and len(ratios) > 1 else 1)), degree)


def growths(demands: Demands) -> dict[int, Growth]:
    """The growth of each buffer, by the number of its parameter."""
    return {
        number: Growth.fitted(demands.sizes, parameter.bytes_at)
        for number, parameter in enumerate(demands.parameters)
        if parameter.type == "ptr"
    }


def source(function: str, demands: Demands) -> str:
    """A C program around `function`, which it declares by its binary interface."""
    types = ", ".join(_c_type(parameter) for parameter in demands.parameters) or "void"
    arguments = ", ".join(f"p{number}" for number in range(len(demands.parameters)))
    call = f"call({arguments})"
    used = {
        "void": f"{call};",
        "float": f"results = mixed(results, bits_of({call}));",
        "double": f"results = mixed(results, bits_of({call}));",
    }
    known = growths(demands)
    setup = [line for number, each in enumerate(demands.parameters) for line in _set_up(number, each, known)]
    written = [number for number, parameter in enumerate(demands.parameters) if parameter.written]
    return _TEMPLATE.format(
        name=function,
        result=_C_TYPES[demands.result],
        types=types,
        setup="\n".join(f"  {line}" for line in setup),
        restore="\n".join(f"      memcpy(p{number}, fresh{number}, bytes{number});" for number in written),
        call=used.get(demands.result, f"results = mixed(results, (uint64_t){call});"),
        report="\n".join(f"  {line}" for number in written for line in _report(number, demands.parameters[number])),
    )


def _c_type(parameter: ParameterDemand) -> str:
    if parameter.type in ("i8", "i16") and "zeroext" in parameter.attributes:
        return "unsigned char" if parameter.type == "i8" else "uint16_t"
    return _C_TYPES[parameter.type]


def _set_up(number: int, parameter: ParameterDemand, known: dict[int, Growth]) -> Iterator[str]:
    kind = _c_type(parameter)
    if parameter.type in ("float", "double"):
        yield f"{kind} p{number} = ({kind})real();"
    elif parameter.type != "ptr":
        yield f"{kind} p{number} = ({kind}){'size' if parameter.is_size else '(next() % 16)'};"
    else:
        element = _ELEMENTS[parameter.element]
        length = " * ".join((f"(size_t){known[number].coefficient}", *["size"] * known[number].degree))
        yield f"size_t bytes{number} = ({length} + sizeof({element}) - 1) / sizeof({element}) * sizeof({element});"
        yield f"{element} *p{number} = memory(bytes{number});"
        yield f"for (size_t i = 0; i < bytes{number} / sizeof({element}); i++)"
        yield f"  p{number}[i] = ({element}){_filling(parameter.element)};"
        if parameter.element == "i8":
            yield f"if (bytes{number})"
            yield f"  p{number}[bytes{number} - 1] = 0;"
        if parameter.written:
            yield f"void *fresh{number} = memory(bytes{number});"
            yield f"memcpy(fresh{number}, p{number}, bytes{number});"


def _filling(element: str) -> str:
    if element in ("float", "double"):
        return "real()"
    return "('a' + next() % 26)" if element == "i8" else "(next() % (size + 1))"


def _report(number: int, parameter: ParameterDemand) -> Iterator[str]:
    value = f"p{number}[i]"
    bits = f"bits_of({value})" if parameter.element in ("float", "double") else f"(uint64_t){value}"
    yield f"uint64_t sum{number} = 0;"
    yield f"for (size_t i = 0; i < bytes{number} / sizeof *p{number}; i++)"
    yield f"  sum{number} = mixed(sum{number}, {bits});"
    yield f'printf("memory of parameter {number + 1} %016llx\\n", (unsigned long long)sum{number});'
