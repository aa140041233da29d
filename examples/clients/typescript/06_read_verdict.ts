// 06_read_verdict ID: prints the winning proposal, the ranking, and who said what.
import { client } from "./client.js";
import { graphql } from "./gql/index.js";

const READ = graphql(`
  query ReadVerdict($id: ID!) {
    deliberation(id: $id) {
      verdict {
        winner { content }
        ranking { rank score proposal { agent { name } } }
      }
      turns(first: 100) {
        edges {
          node {
            __typename
            kind
            agent { name }
            content
            absence
            ... on Ballot { choices { agent { name } } }
          }
        }
      }
    }
  }
`);

const { deliberation } = await client.request(READ, { id: process.argv[2] ?? "" });
console.log(deliberation?.verdict?.winner.content);
for (const { rank, score, proposal } of deliberation?.verdict?.ranking ?? []) {
  console.log(`${rank}. ${proposal.agent.name} ${score}`);
}
for (const { node } of deliberation?.turns.edges ?? []) {
  const ballot = node.__typename === "Ballot" ? node.choices.map((choice) => choice.agent.name).join(" > ") : null;
  console.log(`${node.kind} of ${node.agent.name}: ${node.absence ?? ballot ?? node.content}`);
}
