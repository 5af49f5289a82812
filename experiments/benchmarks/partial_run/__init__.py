"""10 epochs of the last stage and a head: tlx, plain Lightning, and the least it can cost."""
