"""The judges of the plugin: what a cost model is believed, and what a run says over its socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from llmcoop.connection import Connection
from llmcoop.errors import ToolchainError
from llmcoop.ir.worker import Worker
from llmcoop.judge import CostModelJudge, Function, Proposal, RunJudge, Verdict
from llmcoop.sandbox import Sandbox

LINE = "  %r{0} = mul i32 %x, {0}\n"


def version(instructions: int) -> str:
    body = "".join(LINE.format(number) for number in range(instructions))
    return f"define i32 @f(i32 %x) {{\n{body}  ret i32 %x\n}}\n"


ORIGINAL = Function("f", version(20), 21)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(Sandbox.find(enabled=False)) as started:
        yield started


@pytest.fixture
def judge(worker: Worker) -> CostModelJudge:
    return CostModelJudge(worker, 1.0)


def test_the_function_itself_is_not_better(judge: CostModelJudge) -> None:
    verdict = judge.verdict(ORIGINAL, Proposal("identity", ORIGINAL.ir))
    assert not verdict.accepted
    assert verdict.speedup == pytest.approx(1)


def test_a_cheaper_version_is_accepted_once(judge: CostModelJudge) -> None:
    verdict = judge.verdict(ORIGINAL, Proposal("shorter", version(15)))
    assert verdict.accepted
    judge.keep("f", verdict)
    assert not judge.verdict(ORIGINAL, Proposal("shorter", version(15))).accepted
    assert judge.verdict(ORIGINAL, Proposal("shortest", version(10))).accepted


def test_a_version_that_is_not_kept_does_not_stand_in_the_way(judge: CostModelJudge) -> None:
    assert judge.verdict(ORIGINAL, Proposal("wrong", version(5))).accepted
    assert judge.verdict(ORIGINAL, Proposal("right", version(15))).accepted


def test_longer_code_must_promise_more(judge: CostModelJudge) -> None:
    cost = judge.worker.cost(ORIGINAL.ir).total
    assert not judge.verdict(ORIGINAL, Proposal("longer", version(80), cost / 1.25)).accepted
    assert judge.verdict(ORIGINAL, Proposal("as long", version(20), cost / 1.06)).accepted
    assert judge.verdict(ORIGINAL, Proposal("longer", version(80), cost / 1.40)).accepted


def test_an_incredible_estimate_is_refused(judge: CostModelJudge) -> None:
    verdict = judge.verdict(ORIGINAL, Proposal("passes", version(1), believable=2.0))
    assert verdict == Verdict(False, None, verdict.message)
    assert "too good to be true" in verdict.message
    assert judge.verdict(ORIGINAL, Proposal("by hand", version(1))).accepted


def test_what_does_not_parse_is_refused(judge: CostModelJudge) -> None:
    assert not judge.verdict(ORIGINAL, Proposal("broken", "define i32 @f(")).accepted


def serve(path: Path, *replies: object) -> list[dict[str, object]]:
    """Listen at `path` for one search and answer with `replies`; gives the list that its requests go to."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)
    requests: list[dict[str, object]] = []

    def answer() -> None:
        with server, server.accept()[0] as connection, connection.makefile("rw") as stream:
            print(json.dumps(SCOPE), file=stream, flush=True)
            for reply in replies:
                requests.append(json.loads(stream.readline()))
                print(json.dumps(reply), file=stream, flush=True)

    threading.Thread(target=answer, daemon=True).start()
    return requests


SCOPE = {"functions": ["f"], "budget_s": 8, "agent": None}


def test_a_run_says_what_it_wants_and_measures(tmp_path: Path) -> None:
    reply = {"id": 1, "accepted": True, "speedup": 1.5, "message": "measured"}
    requests = serve(tmp_path / "run", reply, {"id": 2, "stop": True})
    with closing(Connection(str(tmp_path / "run"))) as connection:
        judge = RunJudge(connection)
        assert judge.budget_s == 8
        assert judge.wants("f")
        assert not judge.wants("g")
        assert judge.verdict(ORIGINAL, Proposal("passes", "text", authored=False)) == Verdict(True, 1.5, "measured")
        assert judge.verdict(ORIGINAL, Proposal("passes", "text")) is None
    assert requests[0] == {"id": 1, "function": "f", "pipeline": "passes", "ir": "text", "authored": False}
    assert requests[1]["authored"]


def test_a_run_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"lost the run at .*/run: .*No such file"):
        Connection(str(tmp_path / "run"))
    serve(tmp_path / "run")
    with closing(Connection(str(tmp_path / "run"))) as connection, pytest.raises(ToolchainError, match="lost the run"):
        RunJudge(connection).verdict(ORIGINAL, Proposal("passes", "text"))


@pytest.mark.parametrize("answer", [{"id": 5}, {"accepted": True}, "no object"])
def test_an_answer_to_no_request_loses_the_run(tmp_path: Path, answer: object) -> None:
    serve(tmp_path / "run", answer)
    with closing(Connection(str(tmp_path / "run"))) as connection, pytest.raises(ToolchainError, match="lost the run"):
        connection.request({})


def test_answers_find_their_requests_in_any_order(tmp_path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "run"))
    server.listen(1)

    def swapped() -> None:
        with server, server.accept()[0] as connection, connection.makefile("rw") as stream:
            print(json.dumps(SCOPE), file=stream, flush=True)
            asked = [json.loads(stream.readline()) for _ in range(2)]
            for request in reversed(asked):
                print(json.dumps({"id": request["id"], "echo": request["word"]}), file=stream, flush=True)

    threading.Thread(target=swapped, daemon=True).start()
    with closing(Connection(str(tmp_path / "run"))) as connection, ThreadPoolExecutor(2) as pool:
        answers = pool.map(connection.request, [{"word": "one"}, {"word": "two"}])
        assert [answer["echo"] for answer in answers] == ["one", "two"]
