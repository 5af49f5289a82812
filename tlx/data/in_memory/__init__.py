"""A task whose examples a Python program holds: rows of numbers, pixels, or paths of images."""
