"""Exact probes on frozen features: solved, not trained by steps."""
