#!/usr/bin/env bash
set -euo pipefail
. "$(dirname "$0")/ask.sh"

list='query ($after: String) {
  councils(first: 2, after: $after) {
    edges { node { name role { name } } }
    pageInfo { hasNextPage endCursor }
  }
}'
variables='{}'
more=true
while [ "$more" = true ]; do
  page=$(ask "$list" "$variables" | part '.data.councils // empty')
  jq -r '.edges[].node | "\(.role.name) \(.name)"' <<<"$page"
  more=$(jq .pageInfo.hasNextPage <<<"$page")
  variables=$(jq '{after: .pageInfo.endCursor}' <<<"$page")
done
