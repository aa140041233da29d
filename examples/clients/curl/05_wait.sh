#!/usr/bin/env bash
# 05_wait.sh ID: waits for the end of a deliberation without a subscription.
set -euo pipefail
. "$(dirname "$0")/ask.sh"

look='query ($id: ID!) { deliberation(id: $id, wait: 30) { status finishedAt } }'
variables=$(jq -n --arg id "$1" '{$id}')
found=null
while [ "$(jq .finishedAt <<<"$found")" = null ]; do
  # Answers once the deliberation has ended, or after the 30 seconds.
  found=$(ask "$look" "$variables" | part '.data.deliberation // empty')
done
jq -r .status <<<"$found"
