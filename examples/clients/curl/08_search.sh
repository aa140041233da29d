#!/usr/bin/env bash
# 08_search.sh WORDS: finds tasks and last revisions. What matched stands in <mark>, all else is escaped.
set -euo pipefail
. "$(dirname "$0")/ask.sh"

ask 'query ($text: String!) {
  search(text: $text, first: 5) {
    edges { highlights node { __typename ... on Task { id } ... on Proposal { id } } }
  }
}' "$(jq -n --arg text "$1" '{$text}')" |
  part '.data.search // empty' | jq -r '.edges[] | "\(.node.__typename) \(.node.id): \(.highlights | join(" "))"'
