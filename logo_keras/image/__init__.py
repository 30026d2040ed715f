"""Photos: read from files, decoded, turned upright, made a square; and pictures drawn on them."""
