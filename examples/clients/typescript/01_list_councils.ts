import { client } from "./client.js";
import { graphql } from "./gql/index.js";

const LIST = graphql(`
  query ListCouncils($after: String) {
    councils(first: 2, after: $after) {
      edges { node { name role { name } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

let after: string | null | undefined;
do {
  const { councils } = await client.request(LIST, { after });
  for (const { node } of councils?.edges ?? []) console.log(node.role.name, node.name);
  after = councils?.pageInfo.hasNextPage ? councils.pageInfo.endCursor : null;
} while (after);
