# ask DOCUMENT [VARIABLES]: sends a document with its variables, which are JSON, and prints the answer.
ask() {
  jq -n --arg query "$1" --argjson variables "${2:-null}" '{$query, $variables}' | send
}

# send [OPTIONS OF CURL]: sends what stands on standard input. The token is kept off the command line, which others can see.
send() {
  curl -sS "${COUNCIL_URL:-http://127.0.0.1:8080}/graphql" -d @- -H 'Content-Type: application/json' \
    -H @<([ -z "${COUNCIL_TOKEN:-}" ] || echo "Authorization: Bearer $COUNCIL_TOKEN") "$@"
}

# part FILTER: prints that part of the answer on standard input; where it has none, the answer, and fails.
part() {
  local answer
  answer=$(cat)
  jq -e "$1" <<<"$answer" || { echo "$answer" >&2; return 1; }
}
