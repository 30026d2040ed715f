"""Photographs from files: read, decoded, turned upright, made a square; and pictures drawn on them."""
