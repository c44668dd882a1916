#!/usr/bin/env bash
# Score what the branch holds, without network, with the key of hidden ground truth (GROUND_TRUTH_KEY) in memory
# only. It leaves outcome/: the results, the commit that they are of, the ranks that changed. Arguments go to
# `bmbench leaderboard score`. What the scorer prints are codes and ranks; its tracebacks are not shown.
#   NETWORK  "yes" where the runner can take the network from nothing: the scorer then keeps it
set -euo pipefail
umask 077
if [ "$(git rev-parse --is-shallow-repository)" != false ]; then
  echo "The history is not whole: the order in which submissions came is not known. Fetch all of it."
  exit 1
fi
shelf=/dev/shm
[ -d "$shelf" ] || shelf=${TMPDIR:-/tmp}
room=$(mktemp -d "$shelf/truth.XXXXXX")
trap 'rm -rf "$room"' EXIT
printf '%s\n' "${GROUND_TRUTH_KEY:-}" > "$room/key"
unset GROUND_TRUTH_KEY
key=()
if grep -q '^AGE-SECRET-KEY-' "$room/key"; then
  key=(--key "$room/key")
fi
program=$(command -v bmbench)
scorer=(env TMPDIR="$room" PATH="$PATH" HOME="$HOME" "$program" leaderboard score . "${key[@]}" "$@")
if [ "${NETWORK:-no}" = yes ]; then
  alone=()
elif unshare --user --map-current-user --net true 2> /dev/null; then
  alone=(unshare --user --map-current-user --net --)
elif sudo -n unshare --net true 2> /dev/null; then
  alone=(sudo -n unshare --net -- sudo -n -u "$USER")
else
  echo "This runner cannot take the network from a program. NETWORK=yes scores with it."
  exit 1
fi
if ! "${alone[@]}" "${scorer[@]}" > "$room/changes" 2> "$room/errors"; then
  echo "Scoring failed; repeat it on a maintainer's machine to see why."
  exit 1
fi
rm -rf outcome
mkdir -p outcome results
cp -R results outcome/results
git rev-parse HEAD > outcome/commit
# Ids, metric names and ranks: nothing else may leave this job by the log.
grep -m 200 -E '^[a-z0-9-]+ (cd|bb)\.(f1|ap) [a-z0-9-]+: |^[0-9]+ rank sets changed$' "$room/changes" \
  | tee outcome/changes.txt
chmod -R a+rX outcome
