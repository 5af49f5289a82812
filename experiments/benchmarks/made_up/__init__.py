"""Images and weights for benchmarks, made up from a seed: nothing is downloaded."""
