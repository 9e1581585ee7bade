"""The loop of an agent that writes candidates: ask for proposals, have each evaluated, tell what came of the best."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf

from llmcoop.agents import reading
from llmcoop.agents.conversation import Conversation
from llmcoop.agents.reading import Unusable
from llmcoop.models import ModelError
from llmcoop.values import Candidate, Evaluation, Outcome

_BEST_FIRST = (
    Outcome.ACCEPTED,
    Outcome.NOT_FASTER,
    Outcome.SAME_CODE,
    Outcome.WEAK,
    Outcome.REFUTED,
    Outcome.DOES_NOT_COMPILE,
    Outcome.COMPILER_FAILED,
)

Read = Callable[[str], Candidate]
Tell = Callable[[Evaluation], str]


def rounds(
    conversation: Conversation, task: str, read: Read, tell: Tell, *, rounds: int, samples: int
) -> Generator[Candidate, Evaluation, None]:
    """Yield candidates and be sent the evaluation of each, for up to so many rounds of so many proposals.

    `read` makes a candidate of a reply or raises Unusable; with several samples it is called from several threads.
    `tell` is what the model hears of the best proposal of a round: the conversation goes on from that one.

    It ends early with a round in which nothing was proposed: the model wrote ```stop, or nothing could be made of
    its replies. Raises ModelError, after the proposals that arrived nevertheless.
    """
    known: frozenset[str] = frozenset()
    for number in range(rounds):
        asked = [conversation]
        if samples > 1:
            asked = [conversation.fork(number * samples + sample) for sample in range(samples)]
        evaluated: list[tuple[Conversation, Evaluation]] = []
        for each, candidate in _proposals(asked, task, partial(_new, read, known)):
            if candidate.key not in known:
                known |= {candidate.key}
                evaluated.append((each, (yield candidate)))
        if not evaluated:
            return
        conversation, best = min(evaluated, key=lambda pair: _rank(pair[1]))
        if number + 1 < rounds:
            task = tell(best)


def _proposals(
    conversations: Sequence[Conversation], text: str, parse: Callable[[str], Candidate | None]
) -> Iterator[tuple[Conversation, Candidate]]:
    """What each conversation proposes, in their order; all are asked at the same time."""
    if len(conversations) == 1:
        candidate = _asked(conversations[0], text, parse)
        if candidate is not None:
            yield conversations[0], candidate
        return
    failure: ModelError | None = None
    pool = ThreadPoolExecutor(len(conversations))
    try:
        for each, reply in [(each, pool.submit(_asked, each, text, parse)) for each in conversations]:
            try:
                candidate = reply.result()
            except ModelError as error:
                failure = failure or error
                continue
            if candidate is not None:
                yield each, candidate
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if failure is not None:
        raise failure


def _asked(conversation: Conversation, text: str, parse: Callable[[str], Candidate | None]) -> Candidate | None:
    try:
        return conversation.ask(text, parse)
    except Unusable:
        return None  # the conversation counts it


def _new(read: Read, known: frozenset[str], reply: str) -> Candidate | None:
    """The candidate of a reply, None if the model stops. Raises Unusable, also for what was proposed before."""
    if reading.stops(reply):
        return None
    candidate = read(reply)
    if candidate.key in known:
        raise Unusable("you proposed exactly this before; propose something else, or end with a block ```stop")
    return candidate


def _rank(evaluation: Evaluation) -> tuple[int, float]:
    """The less the better."""
    speedup = evaluation.measurement.speedup if evaluation.measurement else -inf
    return _BEST_FIRST.index(evaluation.outcome), -speedup
