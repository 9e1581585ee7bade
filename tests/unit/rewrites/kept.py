"""Rewrites of small functions, right and wrong, as tests keep them in folders."""

from __future__ import annotations

from dataclasses import replace

from llmcoop.rewrites import Rewrite, Stage

TARGET = "x86_64-pc-linux-gnu"
HEAD = f'target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"\n\
target triple = "{TARGET}"\n\n'
TWICE = f"{HEAD}define i32 @twice(i32 %0) {{\n  %2 = add i32 %0, %0\n  ret i32 %2\n}}\n"
SHIFTED = TWICE.replace("add i32 %0, %0", "shl i32 %0, 1")
WRONG = TWICE.replace("add i32 %0, %0", "shl i32 %0, 2")
RIGHT = Rewrite(
    *("twice", "main.c", Stage.LAST, TARGET, 22, TWICE),
    *("proved: by z3", "1.34x [1.31, 1.37], 15 pairs, whole benchmark", "pass search", SHIFTED),
)
HINTED = replace(
    RIGHT, stage=Stage.START, after="", evidence="by-construction", hints=(("inline", "never"),), clones=("x86-64-v3",)
)
