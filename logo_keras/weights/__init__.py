"""Weights from elsewhere: reading checkpoint files without the framework that wrote them."""
