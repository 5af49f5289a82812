"""tlx: transfer learning research in PyTorch, driven by Hydra."""

__version__ = "0.1.0"
