#!/usr/bin/env bash
set -euo pipefail
. "$(dirname "$0")/ask.sh"

ask '{
  council(by: { role: "DEV" }) {
    name
    seats { number agent { name } model { name } }
    deliberations(first: 3) { edges { node { id status } } }
  }
}' | part '.data.council // empty' | jq -r '.name,
  (.seats[] | "seat \(.number): \(.agent.name) speaks with \(.model.name)"),
  (.deliberations.edges[].node | "\(.id) \(.status)")'
