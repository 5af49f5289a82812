"""Head banks: the heads of many jobs over one frozen prefix, trained together in one pass."""
