"""The public data sets: one file each, downloads and archives."""
