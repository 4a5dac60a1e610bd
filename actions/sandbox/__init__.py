"""The embedded stack: a real platform on this machine, without set-up."""
