"""One job on a Spark slot: found, run, and what comes back of it."""
