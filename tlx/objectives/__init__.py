"""What a task asks for, a class or a number, and all that follows from it."""
