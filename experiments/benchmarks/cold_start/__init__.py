"""How long a command takes before it works, beside the imports that nobody can avoid."""
