"""Synthetic photographs with exact boxes: brand marks put into real photographs."""
