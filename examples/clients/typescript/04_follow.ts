// 04_follow ID: tells what happens in a deliberation, until it has ended.
import { print } from "graphql";
import { NetworkError } from "graphql-sse";
import { setTimeout } from "node:timers/promises";
import { subscriptions } from "./client.js";
import { graphql } from "./gql/index.js";
import type { FollowSubscription } from "./gql/graphql.js";

const FOLLOW = graphql(`
  subscription Follow($id: ID!, $after: Int) {
    deliberationEvents(id: $id, after: $after) {
      __typename
      sequence
      ... on TurnTaken { turn { kind agent { name } } }
      ... on DeliberationEnded { deliberation { status } }
    }
  }
`);

const variables = { id: process.argv[2], after: null as number | null };
let reached = false;
for (;;) {
  let pause: number | undefined;
  try {
    const results = subscriptions.iterate<FollowSubscription>(
      { query: print(FOLLOW), variables },
      { connected: () => { reached = true; } },
    );
    for await (const { data, errors } of results) {
      if (errors) {
        // While Neo4j is away, or a process ends, the service says after how many seconds to ask again.
        pause = Math.max(...errors.map(({ extensions }) => Number(extensions?.retryAfter)));
        if (Number.isNaN(pause)) throw new Error(errors[0]?.message);
      }
      const event = data?.deliberationEvents;
      if (!event) continue;
      variables.after = event.sequence;
      if (event.__typename === "TurnTaken") console.log(event.sequence, event.turn.kind, event.turn.agent.name);
      if (event.__typename === "DeliberationEnded") console.log(event.deliberation.status);
    }
  } catch (error) {
    // A stream that breaks off is asked for again, after the last event that was seen; what is refused is not.
    if (!(error instanceof NetworkError)) throw error;
    const status = error.response?.status;
    const passing = status === undefined ? reached : status >= 500 || [408, 425, 429].includes(status);
    if (!passing) throw error;
    pause = 1;
  }
  // A stream that was not broken off has told all.
  if (pause === undefined) break;
  await setTimeout(pause * 1000);
}
