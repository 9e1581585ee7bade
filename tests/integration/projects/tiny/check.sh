#!/bin/sh
# The project's own tests: what the benchmark prints for two seeds.
set -e
test "$(./bench 1 1)" = "362482661 3002966198"
test "$(./bench 3 2)" = "1070808223 1237760772"
