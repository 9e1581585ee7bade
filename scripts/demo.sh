#!/usr/bin/env bash
# Set up, then follow a recorded run of the agents on an example: no model is needed, all is built, tested and timed
# anew. Name another one of examples/ to search for a faster version of that without a model.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
example=${1:-kendall}
followed=()
[[ -f examples/$example/recorded.jsonl ]] && followed=(--replay "examples/$example/recorded.jsonl")
.venv/bin/llmcoop optimize --spec "examples/$example" "${followed[@]}" --out "$example.llmcoop"
[[ ! -f $example.llmcoop/rewrite.patch ]] || cat "$example.llmcoop/rewrite.patch"
