import { GraphQLClient } from "graphql-request";
import { createClient } from "graphql-sse";

const url = `${process.env.COUNCIL_URL ?? "http://127.0.0.1:8080"}/graphql`;
const token = process.env.COUNCIL_TOKEN;
const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};

export const client = new GraphQLClient(url, { headers });
export const subscriptions = createClient({ url, headers, retryAttempts: 0 });
