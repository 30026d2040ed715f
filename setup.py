"""A shim for tools that look for setup.py; pyproject.toml declares everything."""

from setuptools import setup

setup()
