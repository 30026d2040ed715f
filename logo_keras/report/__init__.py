"""Pages of HTML with pictures and charts."""
