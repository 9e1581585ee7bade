"""Facts for prompts: what an expert would ask for before rewriting hot code, collected by compiler tools."""

from llmcoop.facts.collecting import collect
from llmcoop.facts.values import MARGIN, Cpu, Facts, FunctionFacts, LineCount, Remark, annotated

__all__ = ["MARGIN", "Cpu", "Facts", "FunctionFacts", "LineCount", "Remark", "annotated", "collect"]
