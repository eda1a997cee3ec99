#!/usr/bin/env bash
# Runs in a fresh checkout of the result. Exit status 0 says that measures is a library of ES modules.
set -euo pipefail

test "$(node bin/convert.mjs speed 10 nm/h km/h)" = 18.52
node --input-type=module -e 'import { density } from "measures"; if (density.convert(2, "t/m3", "kg/l") !== 2) process.exit(1)'
left=$(git ls-files 'lib/*.js' 'test/*.js' 'bin/*.js' tools)
test -z "$left" || { echo "left over: $left"; exit 1; }
node --test
