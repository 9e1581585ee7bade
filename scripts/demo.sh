#!/usr/bin/env bash
# Set up, then make an example faster than clang -O3; name another one of examples/ to try that.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
example=${1:-blur}
exec .venv/bin/llmcoop optimize --spec "examples/$example" --out "$example.llmcoop"
