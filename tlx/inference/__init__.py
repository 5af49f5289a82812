"""A run's model on new image files: reading them, predicting, keeping finished parts."""
