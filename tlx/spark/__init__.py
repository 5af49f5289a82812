"""Hydra sweeps on Spark: each job alone in a process, its end told whatever it is."""
