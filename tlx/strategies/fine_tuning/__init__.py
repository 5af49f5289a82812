"""Strategies that train weights of model A itself, one file each."""
