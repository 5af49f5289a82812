"""The activation store: what a frozen prefix says of each image, computed once.

`python -m tlx.activations` lists, verifies and prunes it.
"""
