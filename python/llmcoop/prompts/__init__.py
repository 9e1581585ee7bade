"""The prompts: one Markdown file an agent, Jinja2 templates whose blocks the agents fill in.

Each block stands alone: it sees the values that it is given, and what it includes from other files.
"""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmcoop.errors import UsageError

OURS = Path(__file__).parent

# What else an expression in a template can raise.
_MISTAKES = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError)


class Prompts:
    """The prompts of all agents; files in a folder of the user's go before ours of the same name."""

    def __init__(self, override: Path | None = None) -> None:
        """Raises UsageError when there is no such folder."""
        if override is not None and not override.is_dir():
            raise UsageError(f"there is no folder of prompts at {override}", f"copy files from {OURS} into one")
        folders = [OURS] if override is None else [override, OURS]
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["fenced"] = fenced

    def render(self, agent: str, block: str, **values: object) -> str:
        """A block of the prompts of an agent with its values; what is filled in is never read as a template.

        Bytes of no character in the values (surrogates) are shown as escapes. Raises UsageError when the template is
        broken, has no such block, or uses a value that it is not given.
        """
        template = self._template(agent)
        if block not in template.blocks:
            raise UsageError(
                f"{template.filename} has no block '{block}'", f"its blocks are: {', '.join(template.blocks)}"
            )
        try:
            text = "".join(template.blocks[block](template.new_context(values)))
        except _MISTAKES as error:
            raise _broken(f"{template.filename}:{_line(error, template)}", error) from error
        return text.strip("\n").encode(errors="backslashreplace").decode()

    def _template(self, agent: str) -> Template:
        name = f"{agent}.md"
        try:
            return self._environment.get_template(name)
        except TemplateSyntaxError as error:
            raise _broken(f"{error.filename}:{error.lineno}", error) from error
        except _MISTAKES as error:
            raise _broken(name, error) from error


def fenced(text: str, kind: str = "") -> str:
    """The text as a fenced block that it can not end: the fence is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{fence}{kind}\n{text}{end}{fence}"


def _broken(place: str, error: Exception) -> UsageError:
    return UsageError(f"{place}: the prompt can't be used: {error}", "mend it, or leave the file out to use ours")


def _line(error: Exception, template: Template) -> int:
    """Where in the template it happened: the traceback has lines of the Python that Jinja2 makes of it."""
    line, frame = 0, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == template.filename:
            line = template.get_corresponding_lineno(frame.tb_lineno)
        frame = frame.tb_next
    return line
