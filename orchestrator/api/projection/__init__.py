"""Answers queries a column at a time instead of a value at a time, by a plan that is made once a document.

Same resolvers, same loaders, same answer: graphql-core walks every value through a dozen calls, which takes most of the time of
a read. What a plan cannot do, it says before anything is read, and what goes wrong while it is carried out is answered anew
by graphql-core, which then says what went wrong and where.
"""
