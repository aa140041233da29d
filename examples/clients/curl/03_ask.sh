#!/usr/bin/env bash
set -euo pipefail
. "$(dirname "$0")/ask.sh"

# The same key brings back the same deliberation: what is sent again, because no answer came, is not done twice.
ask 'mutation ($input: DeliberateInput!) {
  deliberate(input: $input) {
    deliberation { id status }
    errors { message code path }
  }
}' '{
  "input": {
    "council": { "role": "DEV" },
    "task": {
      "description": "Propose a retry policy for our webhook handler.",
      "requirements": ["No event is handled twice."]
    },
    "idempotencyKey": "retry-policy-1"
  }
}' | part '.data.deliberate // empty' | jq -er '(.errors[] | "\(.path | join(".")): \(.message)"), .deliberation.id'
