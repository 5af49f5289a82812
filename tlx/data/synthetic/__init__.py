"""Tasks that are drawn: letters rendered from fonts."""
