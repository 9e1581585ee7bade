"""Make a forked process one in which code under test may run."""

from __future__ import annotations

import resource

from llmcoop.functions.subject import Subject

_DATA_BYTES = 2 << 30  # that the process may have for itself; a limit on addresses can't hold here


def confine(subject: Subject) -> None:
    """Limit this process, and let it survive what a version does in a call. For good: only in a forked child."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _DATA_BYTES if hard == resource.RLIM_INFINITY else min(_DATA_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    subject.prepare()
