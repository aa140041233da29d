"""Says who a caller is: by a token of our own, or by one of an OpenID issuer."""
