// 04_follow ID: tells what happens in a deliberation, until it has ended.
import { print } from "graphql";
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
let ended = false;
while (!ended) {
  try {
    const results = subscriptions.iterate<FollowSubscription>({ query: print(FOLLOW), variables });
    for await (const { data, errors } of results) {
      if (errors) throw new Error(errors[0]?.message);
      const event = data?.deliberationEvents;
      if (!event) continue;
      variables.after = event.sequence;
      if (event.__typename === "TurnTaken") console.log(event.sequence, event.turn.kind, event.turn.agent.name);
      if (event.__typename === "DeliberationEnded") {
        console.log(event.deliberation.status);
        ended = true;
      }
    }
  } catch (error) {
    // A stream that breaks off is asked for again, after the last event that was seen.
    if (!(error instanceof Error) || error.name !== "NetworkError") throw error;
    await setTimeout(1000);
  }
}
