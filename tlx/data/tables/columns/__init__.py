"""Columns of a table: what their cells hold, found once and kept with a run."""
