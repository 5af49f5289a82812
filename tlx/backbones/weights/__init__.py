"""Where weights come from, what files of them hold, and how they fit a network."""
