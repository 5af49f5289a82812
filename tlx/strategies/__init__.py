"""The transfer strategies: one file per method."""
