"""Rewrites: results of a run, reduced to single functions, which every later build applies.

A rewrite is one file; a folder of them is kept with the code that they are for. See docs/rewrites.md.
"""

from llmcoop.rewrites.folder import files, load, read, save
from llmcoop.rewrites.rewrite import SUFFIX, Rewrite, Stage

__all__ = ["SUFFIX", "Rewrite", "Stage", "files", "load", "read", "save"]
