"""Experiments of several runs: derived from one configuration, told of in one table."""
