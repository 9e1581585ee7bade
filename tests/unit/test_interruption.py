"""Signals: at once while there is nothing to lose, later the first is noted and the second ends the run."""

from __future__ import annotations

import signal
import threading

import pytest

from llmcoop.interruption import Interruption

SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@SIGNALS
def test_before_the_search_a_signal_ends_the_run(number: signal.Signals) -> None:
    with Interruption() as interruption, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert not interruption.requested


@SIGNALS
def test_the_first_is_noted_and_the_second_ends_the_run(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    with Interruption() as interruption:
        interruption.defer()
        signal.raise_signal(number)
        assert interruption.requested
        assert "again leaves at once" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_afterwards_signals_do_what_they_did_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption():
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_can_use_it_and_is_never_interrupted() -> None:
    seen: list[bool] = []

    def work() -> None:
        with Interruption() as interruption:
            interruption.defer()
            seen.append(interruption.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
