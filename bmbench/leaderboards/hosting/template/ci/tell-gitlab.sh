#!/usr/bin/env bash
# Write the verdict on each open merge request as a note, once for each of its commits. Merge requests are read as git
# objects; nothing of them is checked out or run.
#   NOTE_TOKEN  a token with `api`; everything else is set by GitLab
set -euo pipefail
requests="$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests"
ask() {
  curl --silent --show-error --fail --header "PRIVATE-TOKEN: $NOTE_TOKEN" "$@"
}
lines='import json, sys
for one in json.load(sys.stdin):
    print(one["iid"], one["sha"], one["author"]["username"])'
ask "$requests?state=opened&target_branch=$CI_DEFAULT_BRANCH&per_page=100" | python -c "$lines" > open-requests
while read -r number head author; do
  mark="<!-- bmbench $head -->"
  if ask "$requests/$number/notes?per_page=100" | grep --quiet --fixed-strings "$head -->"; then
    continue
  fi
  rm -f note.md
  REMOTE=origin REF="refs/merge-requests/$number/head" HEAD=$head AUTHOR=$author \
    bash ci/validate.sh --comment note.md || true
  if [ -f note.md ]; then
    printf '%s\n' "$mark" >> note.md
    ask --request POST --data-urlencode "body@note.md" "$requests/$number/notes" > /dev/null
  fi
done < open-requests
