"""A run's model on new image files: reading them, asking the model, keeping parts of the answer."""
