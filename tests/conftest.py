"""What all kinds of tests share."""

from __future__ import annotations

import pytest

from llmcoop.errors import ToolchainError
from llmcoop.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The sandbox of this machine; what needs it is skipped where there is none."""
    try:
        return Sandbox.find()
    except ToolchainError as error:
        pytest.skip(f"NO SANDBOX ON THIS MACHINE: {error}")
