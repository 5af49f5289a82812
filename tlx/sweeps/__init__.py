"""A sweep's folder: job records, the table of results, resume planning, live display."""
