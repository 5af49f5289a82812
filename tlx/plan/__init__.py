"""A run as plain typed data, which judges nothing."""
