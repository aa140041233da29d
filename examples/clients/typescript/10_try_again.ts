import { ClientError } from "graphql-request";
import { setTimeout } from "node:timers/promises";
import { client } from "./client.js";
import { graphql } from "./gql/index.js";

const FIND = graphql(`
  query FindName($role: String!) {
    council(by: { role: $role }) { name }
  }
`);

// While Neo4j is away, or a process ends, the service says after how many seconds to ask again.
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const told = error instanceof ClientError ? error.response.errors?.[0]?.extensions : undefined;
      const seconds = told?.retryAfter;
      // Without it a change may have been carried out: look before it is sent again.
      if (told?.code !== "UNAVAILABLE" || typeof seconds !== "number") throw error;
      console.log(`unavailable; again in ${seconds} s`);
      await setTimeout(seconds * 1000);
    }
  }
}

const { council } = await patiently(() => client.request(FIND, { role: "DEV" }));
console.log(council?.name);
