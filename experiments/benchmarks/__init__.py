"""How fast tlx is, beside what else there is."""
