// 09_change_council VERSION: changes the QA council, of which this version was read.
import { client } from "./client.js";
import { graphql } from "./gql/index.js";

const FIND = graphql(`
  query FindCouncil($role: String!) {
    council(by: { role: $role }) { id version }
  }
`);
const UPDATE = graphql(`
  mutation UpdateCouncil($input: UpdateCouncilInput!) {
    updateCouncil(input: $input) { council { version rounds } errors { message code } }
  }
`);

let version = Number(process.argv[2]);
// What is no number goes as null, which compares nothing.
if (!Number.isInteger(version)) throw new Error("VERSION must be a whole number, such as 3");
for (;;) {
  const { council } = await client.request(FIND, { role: "QA" });
  if (!council) break;
  const input = { id: council.id, expectedVersion: version, rounds: 2 };
  const { updateCouncil } = await client.request(UPDATE, { input });
  if (updateCouncil?.errors[0]?.code !== "CONFLICT") {
    for (const { message } of updateCouncil?.errors ?? []) console.log(message);
    const changed = updateCouncil?.council;
    if (changed) console.log(`version ${changed.version}, rounds ${changed.rounds}`);
    break;
  }
  // Somebody else has changed it since: look at it as it is now, and decide again.
  version = council.version;
  console.log(`it has come to version ${version} meanwhile`);
}
