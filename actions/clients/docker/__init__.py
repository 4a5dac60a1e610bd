"""Docker Engine over its API, on a unix socket or TCP with TLS (P1): a reading half and a writing half."""
