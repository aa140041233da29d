#!/usr/bin/env bash
# 06_read_verdict.sh ID: prints the winning proposal, the ranking, and who said what.
set -euo pipefail
. "$(dirname "$0")/ask.sh"

ask 'query ($id: ID!) {
  deliberation(id: $id) {
    verdict {
      winner { content }
      ranking { rank score proposal { agent { name } } }
    }
    turns(first: 100) {
      edges {
        node { kind agent { name } content absence ... on Ballot { choices { agent { name } } } }
      }
    }
  }
}' "$(jq -n --arg id "$1" '{$id}')" | part '.data.deliberation | select(.verdict)' | jq -r '
  .verdict.winner.content,
  (.verdict.ranking[] | "\(.rank). \(.proposal.agent.name) \(.score)"),
  (.turns.edges[].node |
    "\(.kind) of \(.agent.name): \(.absence // (.choices | values | map(.agent.name) | join(" > ")) // .content)")'
