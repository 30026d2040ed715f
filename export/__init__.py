"""The export commands; installed as `logo_keras.export`.

Imports inside this folder are relative, so that `python -m export.tflite` in a checkout and the installed command run
the same code.
"""
