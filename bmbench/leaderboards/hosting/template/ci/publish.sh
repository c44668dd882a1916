#!/usr/bin/env bash
# Put results and boards on the branch `results`, as one commit on top of what is there. Two runs at once, a run
# that was killed, and a run that was overtaken all leave the branch with the newest results.
#   REMOTE  where it is pushed      BRANCH  the branch with the submissions [main]
set -euo pipefail

# A function, because bash reads a script while it runs and a checkout may exchange it.
publish() {
  branch=${BRANCH:-main}
  scored=$(cat outcome/commit)
  if ! [[ "$scored" =~ ^[0-9a-f]{40}$ ]]; then
    echo "outcome/commit names no commit"
    exit 1
  fi
  git checkout --quiet --detach "$scored"
  rm -rf results boards
  cp -R outcome/results results
  bmbench leaderboard build .
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  export GIT_INDEX_FILE="$scratch/index" # an index of its own: the branch holds nothing of the other one
  git add --force -- results boards
  about="Results and boards, written by the CI from \`$branch\`. Begin with [the boards](boards/README.md)."
  while IFS='|' read -r target text; do
    blob=$(printf '%s\n' "$text" | git hash-object -w --stdin)
    git update-index --add --cacheinfo "100644,$blob,$target"
  done <<< "scored-from|$scored
README.md|$about"
  tree=$(git write-tree)
  {
    printf 'Publish the results of %s\n\n' "${scored:0:12}"
    cat outcome/changes.txt
  } > "$scratch/message"
  export GIT_AUTHOR_NAME=leaderboard GIT_AUTHOR_EMAIL=leaderboard@users.noreply.github.com
  export GIT_COMMITTER_NAME=leaderboard GIT_COMMITTER_EMAIL=leaderboard@users.noreply.github.com
  for try in 1 2 3 4 5 6 7 8; do
    parent=()
    if git fetch --quiet --no-tags "$REMOTE" refs/heads/results 2> /dev/null; then
      tip=$(git rev-parse FETCH_HEAD)
      if [ "$(git rev-parse "$tip^{tree}")" = "$tree" ]; then
        echo "Published already."
        exit 0
      fi
      published=$(git show "$tip:scored-from")
      git fetch --quiet --no-tags "$REMOTE" "refs/heads/$branch"
      if [ "$published" != "$scored" ] && git merge-base --is-ancestor "$scored" "$published"; then
        echo "A later run has published newer results, with these submissions in them."
        exit 0
      fi
      parent=(-p "$tip")
    fi
    commit=$(git commit-tree "$tree" "${parent[@]}" -F "$scratch/message")
    if git push --quiet "$REMOTE" "$commit:refs/heads/results"; then
      echo "Published."
      exit 0
    fi
    echo "Somebody pushed in between; try $try of 8 failed."
    sleep "$((RANDOM % 3 + try))"
  done
  echo "Not published; the nightly run publishes what was left."
  exit 1
}

publish
