"""Whole projects, with their own build, test and benchmark commands; see docs/projects.md."""

from llmcoop.project.speedup import measured_speedup

__all__ = ["measured_speedup"]
