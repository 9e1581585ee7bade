"""The testing agent, model form: ask for inputs on which a plausible wrong rewrite would fail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmcoop import interpreter
from llmcoop.agents import cases, reading
from llmcoop.agents.cases import Collected
from llmcoop.agents.conversation import Conversation
from llmcoop.agents.reading import Unusable
from llmcoop.models import Model
from llmcoop.native import contents
from llmcoop.process import Completed
from llmcoop.prompts import Prompts
from llmcoop.sandbox import Limits, Sandbox
from llmcoop.spec import Spec
from llmcoop.testing.written import Inputs
from llmcoop.values import Invocation

_AGENT = "testing"
_FIRST_CHANGE = 1000  # the numbers of conversations about a change begin here
_SEEDS = (1, 2)  # a script is run once with each
_SCRIPT_LIMITS = Limits(
    cpu_s=10.0, wall_s=15.0, memory_bytes=1 << 30, file_bytes=16 << 20, processes=8, stack_bytes=8 << 20
)
_OUTPUT_BYTES = 32 << 20  # of one run of a script: the inputs as JSON are longer than the inputs
_SOURCE_CHARACTERS, _STDIN_CHARACTERS, _TEST_CHARACTERS = 80_000, 1500, 300  # that are shown of each
_TESTS = 8  # of the user's, that are shown


class TestsAgent:
    """Has a model write inputs for one program. Scripts of the model are run in the sandbox."""

    __test__ = False  # not a pytest class

    def __init__(
        self,
        model: Model,
        prompts: Prompts,
        spec: Spec,
        sandbox: Sandbox,
        *,
        limits: Limits = _SCRIPT_LIMITS,
    ) -> None:
        """`limits` are those of one run of a script. Raises UsageError when a source can't be read."""
        self._model, self._prompts, self._sandbox = model, prompts, sandbox
        self._limits = limits
        self._files = spec.workload.timed.files
        self._unusable = 0
        self._shown = {
            "sources": [(path.name, _source(path)) for path in spec.program.sources],
            "workload": _shown(spec.workload.timed, _STDIN_CHARACTERS),
            "tests": [_shown(test.invocation, _TEST_CHARACTERS) for test in spec.tests[:_TESTS]],
            "files": [path.name for path in self._files],
            "most_cases": cases.MOST_CASES,
        }

    @property
    def unusable(self) -> int:
        """Replies that nothing could be made of."""
        return self._unusable

    def for_program(self, missed: Sequence[str]) -> Inputs:
        """Inputs for the program; `missed` are functions whose mistakes known tests do not notice, as in `Adequacy`.

        None when nothing can be made of the replies. Raises ModelError.
        """
        return self._asked(1, "task", {"missed": list(missed)})

    def for_change(self, diff: str) -> Inputs:
        """Inputs on which the rewrite with that diff would fail if it were wrong. As `for_program`."""
        # The number comes from what is asked: a run that is resumed or replayed may leave some changes out.
        digest = hashlib.sha256(diff.encode(errors="surrogateescape")).digest()
        return self._asked(_FIRST_CHANGE + int.from_bytes(digest[:4]), "change", {"diff": diff})

    def _asked(self, number: int, block: str, facts: Mapping[str, object]) -> Inputs:
        """`number` is that of the conversation."""
        values = {**self._shown, **facts}
        conversation = Conversation(self._model, _AGENT, number, self._prompts.render(_AGENT, "system", **values))
        try:
            return conversation.ask(self._prompts.render(_AGENT, block, **values), self._read)
        except Unusable:
            return Inputs()
        finally:
            self._unusable += conversation.unusable

    def _read(self, reply: str) -> Inputs:
        """What a reply has in its last ```json block and in what its last ```python block prints. Raises Unusable."""
        blocks = [block for block in reading.blocks(reply) if block.closed and block.text.strip()]
        literal = [block.text for block in blocks if block.kind in ("json", "jsonl")]
        scripts = [block.text for block in blocks if block.kind in ("python", "py")]
        if not literal and not scripts:
            raise Unusable("it has no whole ```json block with cases and no whole ```python block that prints some")
        found = Collected(self._files)
        if literal:
            found.add_document(literal[-1])
        failure = self._run(scripts[-1], found) if scripts else ""
        if not found.usable:
            raise Unusable("; ".join(reason for reason in (found.reason, failure) if reason) or "it has no cases")
        return found.inputs()

    def _run(self, script: str, found: Collected) -> str:
        """Collect what a script prints; gives what went wrong with it, if anything."""
        failure = ""
        for seed in _SEEDS:
            done = interpreter.run_script(
                self._sandbox, script, [str(seed)], limits=self._limits, output_limit=_OUTPUT_BYTES
            )
            found.add_lines(done.stdout.decode(errors="replace"))
            failure = _failure(done, self._limits)
            if failure or found.full:
                break
        return failure


def _failure(done: Completed, limits: Limits) -> str:
    """How a script failed, or an empty string."""
    if done.timed_out:
        return f"the script does not end within {limits.wall_s:g} s"
    if done.output_exceeded:
        return f"the script prints more than {_OUTPUT_BYTES >> 20} MiB"
    if done.returncode == 0:
        return "" if done.stdout.strip() else "the script prints nothing"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"the script ends with status {done.returncode}: {said[-1][:300] if said else 'it says nothing'}"


def _source(path: Path) -> str:
    """A source file for a prompt, or its beginning. Raises UsageError when it can't be read."""
    text = contents(path).decode(errors="backslashreplace")
    left_out = len(text) - _SOURCE_CHARACTERS
    return text if left_out <= 0 else f"{text[:_SOURCE_CHARACTERS]}\n[... {left_out} characters left out ...]\n"


def _shown(invocation: Invocation, characters: int) -> Mapping[str, object]:
    """An invocation for a prompt."""
    stdin = invocation.stdin[:characters].decode(errors="backslashreplace")
    return {
        "args": json.dumps(invocation.args, ensure_ascii=False),
        "stdin": stdin,
        "quoted": json.dumps(stdin, ensure_ascii=False),
        "stdin_bytes": len(invocation.stdin),
    }
