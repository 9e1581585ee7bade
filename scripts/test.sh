#!/usr/bin/env bash
# Set up, then run every check: style, types, the plugin in opt and clang, unit and integration tests.
# Options go to pytest: scripts/test.sh -m "slow or not slow" runs the slow tests too, as CI does.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
bin=$PWD/.venv/bin
"$bin/ruff" check --no-cache .
"$bin/ruff" format --check .
find cpp -name '*.c' -o -name '*.cpp' -o -name '*.h' | xargs clang-format-22 --dry-run -Werror
"$bin/pyright" --pythonpath "$bin/python"
"$bin/lit" -v tests/lit
"$bin/pytest" "$@"
