"""What is done to a graph or file on its way into a format."""
