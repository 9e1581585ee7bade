"""How many pairs of runs a second two fork servers of a small program answer, with coverage, in the sandbox.

python benchmarks/fork_servers.py --batches 60
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from llmcoop.sandbox import Limits, Sandbox
from llmcoop.testing.builds import Instrumentation, build
from llmcoop.testing.servers import ForkServers, Target
from llmcoop.toolchain import Toolchain
from llmcoop.values import Invocation, Program

SOURCE = """
#include <stdio.h>
int main(void) {
  long number, sum = 0;
  while (scanf("%ld", &number) == 1)
    sum += number;
  printf("%ld\\n", sum);
  return 0;
}
"""
BATCH = 128


def main() -> None:
    """Print the rate over all batches, and that of the best one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=60)
    wanted = parser.parse_args()
    numbers = [b" ".join(b"%d" % (at * factor) for at in range(20)) for factor in range(BATCH)]
    invocations = [Invocation(stdin=text) for text in numbers]
    with tempfile.TemporaryDirectory() as name:
        source = Path(name, "sum.c")
        source.write_text(SOURCE)
        executables = [Path(name, "original"), Path(name, "candidate")]
        for executable in executables:
            build(Toolchain.find(), Program((source,)), executable, Instrumentation.COVERAGE)
        with ForkServers(Sandbox.find(), [Target(path) for path in executables], limits=Limits()) as servers:
            seconds = []
            for _ in range(wanted.batches):
                started = time.perf_counter()
                servers.run(invocations, [0, 1], timeout_s=1.0)
                seconds.append(time.perf_counter() - started)
    pairs = BATCH * wanted.batches / sum(seconds)
    print(f"{pairs:.0f} pairs/s over {wanted.batches} batches of {BATCH}, {BATCH / min(seconds):.0f} in the best one")


if __name__ == "__main__":
    main()
