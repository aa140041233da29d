// Audits the GraphQL server at a URL; prints [name, status, reason] of each audit as JSON.
import { serverAudits } from 'graphql-http';

const results = [];
for (const audit of serverAudits({ url: process.argv[2], fetchFn: fetch })) {
  const result = await audit.fn();
  results.push([audit.name, result.status, result.reason ?? null]);
}
console.log(JSON.stringify(results));
