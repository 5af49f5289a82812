"""Tables as their files have them: separator, encoding, types, parts."""
