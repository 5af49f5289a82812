"""20 epochs of a head on a frozen trunk: tlx, plain Lightning, and the least it can cost."""
