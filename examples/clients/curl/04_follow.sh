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
# One jq for the whole stream, as there is an event for every few tokens. What is refused before there is a stream comes as JSON alone.
read='if startswith("event: complete") then "over"
  elif startswith("HTTP ") then .
  else ltrimstr("data:") | fromjson? | objects |
    if any(.errors[]?; .extensions.retryAfter) then "again"
    elif .errors then "refused \(.errors | map(.message) | join("; "))"
    else .data.deliberationEvents | "after \(.sequence)",
      (.turn // empty | "told \(.kind) \(.agent.name)"), (.deliberation // empty | "ended \(.status)")
    end
  end'
id=$1
after=null
while true; do
  over=false
  again=false
  answered=
  # A stream that breaks off is asked for again, after the last event that was seen.
  while read -r what rest; do
    case $what in
      over) over=true ;;
      again) again=true ;;
      after) after=$rest ;;
      told) echo "$after $rest" ;;
      ended) echo "$rest" ;;
      refused) echo "$rest" >&2 && exit 1 ;;
      HTTP) answered=$rest ;;
    esac
  done < <(
    jq -n --arg query "$follow" --arg id "$id" --argjson after "$after" '{$query, variables: {$id, $after}}' |
      send --no-buffer -H 'Accept: text/event-stream' -w '\nHTTP %{http_code} %{content_type}' |
      jq --unbuffered --raw-input --raw-output "$read"
  )
  # How it was answered, 000 where it was not.
  case $answered in
    000* | 408* | 425* | 429* | 5* | *text/event-stream*) ;;
    *) echo "no council service answers there: HTTP $answered" >&2 && exit 1 ;;
  esac
  [ "$over" = false ] || [ "$again" = true ] || exit 0
  sleep 1
done
