"""Torture of the landing: random writers, random faults, and a score of what was lost, doubled or altered."""
