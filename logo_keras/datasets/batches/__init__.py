"""Batches of photographs: order, augmentation, cache, and what puts them together."""
