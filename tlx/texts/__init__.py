"""What becomes of texts from outside before they are written or shown: secrets, size, escapes."""
