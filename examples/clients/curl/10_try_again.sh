#!/usr/bin/env bash
set -euo pipefail
. "$(dirname "$0")/ask.sh"

# While Neo4j is away, or a process ends, the service says after how many seconds to ask again.
while true; do
  answer=$(ask '{ council(by: { role: "DEV" }) { name } }')
  pause=$(jq 'first(.errors[]?.extensions | select(.code == "UNAVAILABLE") | .retryAfter // empty)' <<<"$answer")
  [ -n "$pause" ] || break
  echo "unavailable; again in $pause s"
  sleep "$pause"
done
part '.data.council // empty' <<<"$answer" | jq -r .name
