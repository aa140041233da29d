"""Neo4j: the driver, the statements, the migrations, and one repository an aggregate."""
