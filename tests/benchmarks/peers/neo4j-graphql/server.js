// Serves the graph as @neo4j/graphql on GraphQL Yoga do, with the settings that they come with; says where, and ends with its input.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

import { Neo4jGraphQL } from "@neo4j/graphql";
import { GraphQLScalarType } from "graphql";
import { createYoga } from "graphql-yoga";
import neo4j from "neo4j-driver";

const { NEO4J_URI, NEO4J_USER, NEO4J_PASSWORD, NEO4J_DATABASE } = process.env;

const driver = neo4j.driver(NEO4J_URI, neo4j.auth.basic(NEO4J_USER, NEO4J_PASSWORD));
const typeDefs = await readFile(new URL("schema.graphql", import.meta.url), "utf8");
const Instant = new GraphQLScalarType({ name: "Instant", serialize: String });
const schema = await new Neo4jGraphQL({ typeDefs, driver, resolvers: { Instant } }).getSchema();
const yoga = createYoga({
  schema,
  context: { sessionConfig: { database: NEO4J_DATABASE } },
  logging: false,
  maskedErrors: false, // so that a failure says what it is
});
const server = createServer(yoga);
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}/graphql` }));
});
// What is still under way is of no use to anybody.
process.stdin.resume().on("end", () => process.exit(0));
