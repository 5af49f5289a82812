"""Experiments and benchmarks: each folder holds its command, its expected score and its record."""
