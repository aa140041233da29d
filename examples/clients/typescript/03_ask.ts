import { client } from "./client.js";
import { graphql } from "./gql/index.js";

const DELIBERATE = graphql(`
  mutation Deliberate($input: DeliberateInput!) {
    deliberate(input: $input) {
      deliberation { id status }
      errors { message code path }
    }
  }
`);

const { deliberate } = await client.request(DELIBERATE, {
  input: {
    council: { role: "DEV" },
    task: {
      description: "Propose a retry policy for our webhook handler.",
      requirements: ["No event is handled twice."],
    },
    // The same key brings back the same deliberation: what is sent again, because no answer came, is not done twice.
    idempotencyKey: "retry-policy-1",
  },
});
for (const mistake of deliberate?.errors ?? []) console.log(`${mistake.path.join(".")}: ${mistake.message}`);
if (deliberate?.deliberation) console.log(deliberate.deliberation.id);
