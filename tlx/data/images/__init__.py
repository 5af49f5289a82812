"""Tasks made of pictures: listing, decoding, storing, dealing out."""
