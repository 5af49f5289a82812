"""What holds model B near model A while it trains: terms of the training loss."""
