"""Synthetic photos with exact boxes: brand marks put into real photos."""
