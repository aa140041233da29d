"""What `council up` and the tests run beside the service on one machine: a Neo4j of their own."""
