"""Strategies that solve for a head on frozen features, one file each."""
