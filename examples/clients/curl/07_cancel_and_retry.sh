#!/usr/bin/env bash
# 07_cancel_and_retry.sh ID: ends a deliberation without a verdict, and lays its task before the council once more.
set -euo pipefail
. "$(dirname "$0")/ask.sh"

ask 'mutation ($input: CancelDeliberationInput!) {
  cancelDeliberation(input: $input) { deliberation { status } errors { message } }
}' "$(jq -n --arg id "$1" '{input: {$id, reason: "The question was not clear."}}')" |
  part '.data.cancelDeliberation // empty' | jq -r '.errors[].message, (.deliberation // empty | .status)'

ask 'mutation ($input: RetryDeliberationInput!) {
  retryDeliberation(input: $input) { deliberation { id retryOf { id } } errors { message } }
}' "$(jq -n --arg id "$1" '{input: {$id, idempotencyKey: "again-\($id)"}}')" |
  part '.data.retryDeliberation // empty' | jq -r '.errors[].message, (.deliberation // empty | "\(.id) retries \(.retryOf.id)")'
