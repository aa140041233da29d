"""GraphQL: types, resolvers, errors and subscriptions, and the Starlette app. Declares what it reads and changes in the graph."""
