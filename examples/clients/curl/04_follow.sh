#!/usr/bin/env bash
# 04_follow.sh ID: tells what happens in a deliberation, until it has ended.
set -euo pipefail
. "$(dirname "$0")/ask.sh"

follow='subscription ($id: ID!, $after: Int) {
  deliberationEvents(id: $id, after: $after) {
    __typename
    sequence
    ... on TurnTaken { turn { kind agent { name } } }
    ... on DeliberationEnded { deliberation { status } }
  }
}'
id=$1
after=null
while true; do
  over=false
  again=false
  # A stream that breaks off is asked for again, after the last event that was seen.
  while IFS= read -r line; do
    [[ $line != 'event: complete'* ]] || over=true
    # What is refused before there is a stream comes as JSON alone.
    answer=$(jq -c objects <<<"${line#data:}" 2>/dev/null) && [ -n "$answer" ] || continue
    jq -e 'any(.errors[]?; .extensions.retryAfter)' <<<"$answer" >/dev/null && again=true && continue
    jq -er '.errors // empty | .[].message' <<<"$answer" >&2 && exit 1
    event=$(jq .data.deliberationEvents <<<"$answer")
    after=$(jq .sequence <<<"$event")
    jq -r 'select(.turn) | "\(.sequence) \(.turn.kind) \(.turn.agent.name)"' <<<"$event"
    jq -r '.deliberation.status // empty' <<<"$event"
  done < <(
    jq -n --arg query "$follow" --arg id "$id" --argjson after "$after" '{$query, variables: {$id, $after}}' |
      send --no-buffer -H 'Accept: text/event-stream' -w '\n%{http_code} %{content_type}'
  )
  # What is left has no end of its line: how it was answered, 000 where it was not.
  case $line in
    000* | 408* | 425* | 429* | 5* | *text/event-stream*) ;;
    *) echo "no council service answers there: HTTP $line" >&2 && exit 1 ;;
  esac
  [ "$over" = false ] || [ "$again" = true ] || exit 0
  sleep 1
done
