"""Tuned hyper-parameters beside the defaults, on digits, searched with the Spark launcher."""
