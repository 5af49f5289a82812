"""The only code that knows Hydra: composition path, checks before work, builders."""
