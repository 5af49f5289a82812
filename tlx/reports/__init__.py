"""Scores, tables and pictures made from runs."""
