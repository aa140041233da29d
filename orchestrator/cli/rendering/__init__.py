"""How things look on a terminal: models of the client in, renderables of rich out."""
