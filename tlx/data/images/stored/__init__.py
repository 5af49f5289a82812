"""Decoded images kept on disk, in the form that a network's input pipeline starts from."""
