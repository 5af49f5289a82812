"""A run's folder: result, provenance, history and resume."""
