"""What a user may choose: configuration groups, their options, and where they are installed."""
