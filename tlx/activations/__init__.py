"""The activation store: the outputs of a network's frozen layers, computed once and kept.

`python -m tlx.activations` lists, verifies and prunes it.
"""
