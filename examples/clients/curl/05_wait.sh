#!/usr/bin/env bash
# 05_wait.sh ID: waits for the end of a deliberation without a subscription.
set -euo pipefail
. "$(dirname "$0")/ask.sh"

look='query ($id: ID!) { deliberation(id: $id, wait: 30) { status finishedAt } }'
variables=$(jq -n --arg id "$1" '{$id}')
# It answers once the deliberation has ended, or after the 30 seconds.
until ask "$look" "$variables" | jq -er '.data.deliberation | select(.finishedAt) | .status'; do :; done
