"""Work that threads in conversation with a model leave to the one that drives them: LLVM serves no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

from llmcoop.agents.reading import Unusable
from llmcoop.errors import LLMCoopError
from llmcoop.judge import Proposal, Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Errand:
    work: Proposal | Callable[[], object]
    answer: Future[Any] = field(default_factory=Future)


class Errands:
    """Hands work from any thread to the one that runs `served`."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Errand | None] = SimpleQueue()
        self._open: set[_Errand] | None = set()  # None: nothing is done any more
        self._lock = threading.Lock()

    def do(self, work: Callable[[], T]) -> T:
        """What `work` gives or raises. Raises CancelledError when nobody does it any more."""
        return self._answer(_Errand(work))

    def propose(self, proposal: Proposal) -> Verdict:
        """What comes of a proposal. Raises CancelledError when nobody tries it any more."""
        return self._answer(_Errand(proposal))

    def next(self) -> _Errand | None:
        """Wait for more work; None at the end."""
        return self._queue.get()

    def end(self, _: object = None) -> None:
        """There will be no more."""
        self._queue.put(None)

    def close(self) -> None:
        """Nothing is done from now on: whoever waits, or comes later, is told so."""
        with self._lock:
            waiting, self._open = self._open or set(), None
        for errand in waiting:
            errand.answer.cancel()

    def _answer(self, errand: _Errand) -> Any:
        with self._lock:
            if self._open is None:
                raise CancelledError
            self._open.add(errand)
        self._queue.put(errand)
        return errand.answer.result()


def served(talk: Callable[[Errands], None]) -> Generator[Proposal, Verdict, None]:
    """Run `talk` in a thread and its errands here; yield what it proposes, and be sent what came of it.

    Raises what `talk` raises.
    """
    errands = Errands()
    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(talk, errands)
        talking.add_done_callback(errands.end)
        try:
            while (errand := errands.next()) is not None:
                if isinstance(errand.work, Proposal):
                    errand.answer.set_result((yield errand.work))
                else:
                    _run(errand.work, errand.answer)
        finally:
            errands.close()
        talking.result()


def _run(work: Callable[[], object], answer: Future[Any]) -> None:
    try:
        answer.set_result(work())
    except (LLMCoopError, Unusable) as error:
        answer.set_exception(error)
