"""How a job is kept apart from the worker that runs it: a fork, a fresh process, or not at all."""
