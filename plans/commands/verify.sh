#!/usr/bin/env bash
# Runs in a fresh checkout of the result. Exit status 0 says that all commands work and have their pages.
set -euo pipefail

text=$'b\nA\n'
for pair in 'lower=b a' 'reverse=A b' 'count=2' 'sort=A b' 'upper=B A'; do
  command=${pair%%=*}
  said=$(printf %s "$text" | node bin/text.mjs "$command" | paste -sd ' ')
  test "$said" = "${pair#*=}" || { echo "$command says: $said"; exit 1; }
  test -s "docs/$command.md" && grep -q "($command.md)" docs/index.md || { echo "$command has no page"; exit 1; }
  node bin/text.mjs --help | grep -qx "$command" || { echo "--help does not name $command"; exit 1; }
done
