"""How time and memory grow with images, with jobs and with epochs."""
