// 08_search WORDS: finds tasks and last revisions. What matched stands in <mark>, all else is escaped.
import { client } from "./client.js";
import { graphql } from "./gql/index.js";

const SEARCH = graphql(`
  query Search($text: String!) {
    search(text: $text, first: 5) {
      edges { highlights node { __typename ... on Task { id } ... on Proposal { id } } }
    }
  }
`);

const { search } = await client.request(SEARCH, { text: process.argv[2] ?? "" });
for (const { node, highlights } of search?.edges ?? []) {
  console.log(`${node.__typename} ${node.id}: ${highlights.join(" ")}`);
}
