"""What is asked of every exported file before it gets its name."""
