"""Data for a task: splits, few-shot subsets and the batches made from them."""
