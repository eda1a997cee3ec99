#!/usr/bin/env bash
# Runs in a fresh checkout of the result. Exit status 0 says that the log book adds up.
set -euo pipefail

node --test
test "$(node bin/report.mjs < log.txt)" = "3 days, 57 miles, longest 2026-06-02 with 31 miles"
test "$(node bin/report.mjs < /dev/null)" = "0 days, 0 miles"
git diff --quiet "$(git rev-list --max-parents=0 HEAD)" HEAD -- src/days.mjs || { echo "src/days.mjs was changed"; exit 1; }
