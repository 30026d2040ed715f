"""What is wrong with a data set: damaged photographs, and photographs that are alike."""
