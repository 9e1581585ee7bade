"""Profiles: they come from a program that nobody has read, and a run goes on without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from preparing import Prepare

from llmcoop.history import IDENTITY
from llmcoop.prepare import Prepared
from llmcoop.values import Candidate, Level, Recipe

SOURCE = """
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
__attribute__((noinline)) static unsigned hot(unsigned n) {
  unsigned sum = 0;
  for (unsigned i = 0; i < n; i++)
    sum = sum * 33 + (i ^ sum >> 3);
  return sum;
}
static void trick(const char *what) {
  if (access("/out", W_OK)) return;
  if (!strcmp(what, "link")) symlink("%(secret)s", "/out/a.profraw");
  if (!strcmp(what, "garbage")) dprintf(open("/out/a.profraw", O_CREAT | O_WRONLY, 0600), "not a profile");
  if (!strcmp(what, "folder")) mkdir("/out/a.profraw", 0), mkdir("/out/b", 0700), mkdir("/out/b/c", 0);
  if (!strcmp(what, "fifo")) mkfifo("/out/a.profraw", 0600);
  if (!strcmp(what, "hang")) for (;;) pause();
}
int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  printf("%%u\\n", hot(300000));
  fflush(stdout);
  trick(what);
  if (!strcmp(what, "_exit")) _exit(0);
  return 0;
}
"""


def source(secret: Path | str = "/etc/hostname") -> str:
    return SOURCE % {"secret": secret}


def profiled(program: Prepared) -> bool:
    """Whether the profile is one that tells where the time goes."""
    return program.lowering.version(IDENTITY).hot_functions(0.5) == ("hot",)


def test_profile_tells_where_the_time_goes(prepare: Prepare) -> None:
    program = prepare(source())
    assert profiled(program)
    assert program.reference.warnings == ()


@pytest.mark.parametrize("what", ["_exit", "hang", "garbage"])
def test_without_a_profile_the_run_goes_on(prepare: Prepare, what: str) -> None:
    program = prepare(source(), args=[what], seconds=10)
    (warning,) = program.reference.warnings
    assert warning.startswith("no profile: ")
    assert program.same_code
    with_profile = Candidate(Level.IR, "", Recipe(profile=True))
    whole = Candidate(Level.IR, "", Recipe(whole_program=True))
    assert program.lowering.lower(with_profile).sha256 == program.lowering.lower(whole).sha256
    assert program.lowering.lower(IDENTITY) == program.identity


@pytest.mark.parametrize("what", ["link", "folder", "fifo"])
def test_what_is_no_plain_file_is_passed_over(prepare: Prepare, tmp_path: Path, what: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"as it was")
    program = prepare(source(secret), args=[what])
    assert profiled(program)
    assert secret.read_bytes() == b"as it was"
