"""Configurations kept in folders of runs and sweeps, and read back from there."""
