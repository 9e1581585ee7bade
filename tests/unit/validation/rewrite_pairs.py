"""Read the pairs of tests/rewrites; the README there says how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "rewrites"
_HEADER = re.compile(
    r"(?P<pow2>pow2 )?(?P<claim>right|wrong) (?P<name>\S+)  (?P<returns>.+?) \((?P<takes>.*)\)"
    r"(?:  for (?P<names>\S+) in (?P<cases>.+))?"
)


@dataclass(frozen=True)
class Rewrite:
    """An old and a new function @f, and whether the new one is claimed to refine the old."""

    name: str
    right: bool
    old: str
    new: str


def rewrites(width: int) -> Iterator[Rewrite]:
    """All pairs that are claimed at that width of `iN`."""
    for path in sorted(FOLDER.glob("*.txt")):
        for section in path.read_text().strip().split("\n\n"):
            yield from _expanded(path.stem, section, width)


def _expanded(topic: str, section: str, width: int) -> Iterator[Rewrite]:
    first, _, body = section.partition("\n")
    header = _HEADER.fullmatch(first)
    assert header, f"{topic}: not a header: {first}"
    if header["pow2"] and width & (width - 1):
        return
    names = (header["names"] or "").split(",") if header["names"] else []
    for case in (header["cases"] or "-").split():
        words = dict(zip(names, case.split(","), strict=bool(names)))
        old, new = (
            _function(header["returns"], header["takes"], part, words, width) for part in body.split("\n  =>\n")
        )
        name = f"{topic}/{header['name']}" + (f"[{case}]" if names else "")
        yield Rewrite(name, header["claim"] == "right", old, new)


def _function(returns: str, takes: str, body: str, words: dict[str, str], width: int) -> str:
    result = returns.replace("~", " ")
    lines = body.strip("\n")
    if "ret " not in lines and not lines.endswith("unreachable"):
        lines += f"\n  ret {result.removeprefix('noundef ')} %r"
    return _filled(f"define {result} @f({takes}) {{\n{lines}\n}}\n", words, width)


def _filled(text: str, words: dict[str, str], width: int) -> str:
    numbers = {"N": width, "LAST": width - 1, "HALF": width - width // 2, "MIN": -(1 << (width - 1))}
    numbers["MAX"] = (1 << (width - 1)) - 1
    for name, word in words.items():
        text = re.sub(rf"(?<![A-Z]){name}(?![A-Z])", word.replace("~", " "), text)
    widths = {"N": width, "H": width // 2, "D": 2 * width}
    text = re.sub(r"i([NHD])\b", lambda match: f"i{widths[match[1]]}", text)
    return re.sub(r"\b(N|LAST|HALF|MIN|MAX)\b", lambda match: str(numbers[match[1]]), text)
