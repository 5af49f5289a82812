"""Strategies that add small parts to frozen layers, one file each."""
