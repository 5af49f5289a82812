"""One run of tlx beside the same training written for plain Lightning, and beside its floor."""
