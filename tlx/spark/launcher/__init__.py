"""The Spark launcher: a sweep's jobs from composition to their records."""
