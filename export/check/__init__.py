"""What is asked of every file.

photos finds the photos, reference has what Keras says of them, verification compares and judges, weights tells whether they
are inside, table shows files side by side.
"""
