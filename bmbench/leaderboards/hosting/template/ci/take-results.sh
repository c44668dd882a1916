#!/usr/bin/env bash
# Lay what was published beside the tracks: the folders results/ and boards/ of the branch `results`, which came
# with the checkout (it has to fetch every branch).
set -euo pipefail
rm -rf results boards
if git rev-parse --verify --quiet refs/remotes/origin/results > /dev/null; then
  git archive refs/remotes/origin/results results boards | tar -x
else
  echo "Nothing was published yet."
fi
