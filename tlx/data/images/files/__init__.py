"""Image files in folders: which are used, what they are, how they are opened."""
