"""Docker Engine over its API, on a unix socket or TCP with TLS: a reading half and a writing half."""
