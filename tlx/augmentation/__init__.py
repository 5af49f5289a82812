"""Changes of the training images that leave their classes as they are."""
