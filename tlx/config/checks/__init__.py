"""Every judgement of a plan before any work, one file per subject."""
