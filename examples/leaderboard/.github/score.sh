#!/usr/bin/env bash
# Score with the key of the ground truth, which is in GROUND_TRUTH_KEY, without network. Arguments go to
# `bmbench leaderboard score`. What the scorer prints are codes and ranks; its tracebacks are not shown.
set -euo pipefail
umask 077
room=$(mktemp -d /dev/shm/truth.XXXXXX)
trap 'rm -rf "$room"' EXIT
printf '%s\n' "${GROUND_TRUTH_KEY:-}" > "$room/key"
unset GROUND_TRUTH_KEY
key=()
if grep -q '^AGE-SECRET-KEY-' "$room/key"; then
  key=(--key "$room/key")
fi
program=$(command -v bmbench)
if ! sudo unshare --net -- sudo -u "$USER" env TMPDIR="$room" PATH="$PATH" HOME="$HOME" \
  "$program" leaderboard score . "${key[@]}" "$@" > "$room/changes" 2> "$room/errors"; then
  echo "Scoring failed; repeat it on a maintainer's machine to see why."
  exit 1
fi
# Ids, metric names and ranks: nothing else may leave this job by the log.
grep -E '^[a-z0-9-]+ (cd|bb)\.(f1|ap) [a-z0-9-]+: |^[0-9]+ rank sets changed$' "$room/changes" | head -200
