"""Letters -> digits with ten labels per class."""
