// 05_wait ID: waits for the end of a deliberation without a subscription.
import { client } from "./client.js";
import { graphql } from "./gql/index.js";

const LOOK = graphql(`
  query Look($id: ID!) {
    deliberation(id: $id, wait: 30) { status finishedAt }
  }
`);

// It answers once the deliberation has ended, or after the 30 seconds.
let found;
do {
  found = (await client.request(LOOK, { id: process.argv[2] ?? "" })).deliberation;
} while (found && !found.finishedAt);
console.log(found?.status ?? "there is none");
