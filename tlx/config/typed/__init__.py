"""What was typed, word by word: read, mended, refused, written again."""
