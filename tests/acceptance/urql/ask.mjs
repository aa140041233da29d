// Sends an operation to the GraphQL endpoint at a URL, with urql; prints [data, error] of each result, one a line.
import { Client, fetchExchange } from '@urql/core';

const [url, kind, document] = process.argv.slice(2);
const client = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true });
const show = ({ data, error }) => console.log(JSON.stringify([data ?? null, error?.message ?? null]));

if (kind === 'subscription') {
  client.subscription(document, {}).subscribe(show);
} else {
  show(await client[kind](document, {}).toPromise());
}
