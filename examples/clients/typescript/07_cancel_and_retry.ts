// 07_cancel_and_retry ID: ends a deliberation without a verdict, and lays its task before the council once more.
import { client } from "./client.js";
import { graphql } from "./gql/index.js";

const CANCEL = graphql(`
  mutation Cancel($input: CancelDeliberationInput!) {
    cancelDeliberation(input: $input) { deliberation { status } errors { message } }
  }
`);
const RETRY = graphql(`
  mutation Retry($input: RetryDeliberationInput!) {
    retryDeliberation(input: $input) { deliberation { id retryOf { id } } errors { message } }
  }
`);

const id = process.argv[2] ?? "";
const { cancelDeliberation } = await client.request(CANCEL, { input: { id, reason: "The question was not clear." } });
for (const { message } of cancelDeliberation?.errors ?? []) console.log(message);
if (cancelDeliberation?.deliberation) console.log(cancelDeliberation.deliberation.status);

const { retryDeliberation } = await client.request(RETRY, { input: { id, idempotencyKey: `again-${id}` } });
for (const { message } of retryDeliberation?.errors ?? []) console.log(message);
const again = retryDeliberation?.deliberation;
if (again) console.log(`${again.id} retries ${again.retryOf?.id}`);
