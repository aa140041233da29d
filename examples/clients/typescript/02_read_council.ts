import { client } from "./client.js";
import { graphql } from "./gql/index.js";

const READ = graphql(`
  query ReadCouncil($role: String!) {
    council(by: { role: $role }) {
      name
      seats { number agent { name } model { name } }
      deliberations(first: 3) { edges { node { id status } } }
    }
  }
`);

const { council } = await client.request(READ, { role: "DEV" });
if (council) {
  console.log(council.name);
  for (const { number, agent, model } of council.seats) {
    console.log(`seat ${number}: ${agent.name} speaks with ${model.name}`);
  }
  for (const { node } of council.deliberations.edges) console.log(node.id, node.status);
}
