"""Models: the client, the endpoints and their health, and the rehearsal server."""
