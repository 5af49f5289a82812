"""Activations kept example by example, so that folds, grids and streams share them."""
