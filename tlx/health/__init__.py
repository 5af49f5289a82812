"""What tlx needs of a machine, looked at one by one; nothing here imports what may be broken."""
