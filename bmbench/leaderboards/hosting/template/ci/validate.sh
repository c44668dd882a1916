#!/usr/bin/env bash
# Check what a pull request changes. It is fetched as git objects and never checked out: the track is that of the
# branch which is checked out here, the code that of the pinned packages.
#   REMOTE  where it is fetched from        REF     the ref that holds it
#   HEAD    its commit                      AUTHOR  the login of who hands it in
#   QUEUE   "yes" in a merge queue: every commit since the branch is a pull request of its own
# Arguments go to `bmbench validate`.
set -euo pipefail
git fetch --quiet --no-tags "$REMOTE" "$REF"
git cat-file -e "${HEAD}^{commit}"
base=$(git rev-parse HEAD)
if [ "${QUEUE:-no}" = yes ]; then
  exec bmbench validate --queue "${base}..${HEAD}" "$@"
fi
exec bmbench validate --changes "${base}..${HEAD}" --author "$AUTHOR" "$@"
