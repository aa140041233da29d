"""Reads what the service's predecessor kept in Valkey, or in any other server that speaks the Redis protocol."""
