"""Tables as files have them: cells, what each column holds, and how a run keeps that reading."""
