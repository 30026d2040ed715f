"""What is wrong with a data set: damaged photos, and photos that are alike."""
