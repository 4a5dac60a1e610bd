"""The durable record: runs, hash-chained journal, leases, gates, releases with verdicts."""
