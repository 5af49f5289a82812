"""From columns to features: learned from training rows, kept as numbers."""
