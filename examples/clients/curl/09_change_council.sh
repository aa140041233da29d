#!/usr/bin/env bash
# 09_change_council.sh VERSION: changes the QA council, of which this version was read.
set -euo pipefail
. "$(dirname "$0")/ask.sh"

version=$1
id=$(ask '{ council(by: { role: "QA" }) { id } }' | part '.data.council // empty' | jq -r .id)
while true; do
  changed=$(ask 'mutation ($input: UpdateCouncilInput!) {
    updateCouncil(input: $input) {
      council { version rounds }
      errors { message code ... on Conflict { existing { ... on Council { version } } } }
    }
  }' "$(jq -n --arg id "$id" --argjson v "$version" '{input: {$id, expectedVersion: $v, rounds: 2}}')" | part '.data.updateCouncil // empty')
  # Somebody else has changed it since: look at it as it is now, and decide again.
  version=$(jq '.errors[] | select(.code == "CONFLICT") | .existing.version' <<<"$changed")
  [ -n "$version" ] || break
  echo "it has come to version $version meanwhile"
done
jq -r '.errors[].message, (.council // empty | "version \(.version), rounds \(.rounds)")' <<<"$changed"
