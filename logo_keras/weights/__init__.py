"""Weights from elsewhere, read without the framework that wrote them, and what a model file says of where its own came from."""
