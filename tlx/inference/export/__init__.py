"""A run's model for other programs: formats, the check of each, and the model card."""
