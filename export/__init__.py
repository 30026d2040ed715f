"""The export commands; installed as `logo_keras.export`.

One format a file: how a model becomes such a file, what is asked of it, and the command.
    saved_model, onnx, tflite, tensorrt; and all, which writes every format and shows them side by side

What they share:
    served     what a file computes, and what it says of itself
    artifact   how a file comes into being: made, opened, compared with Keras, described, renamed
    check/     what is asked of every file: photos, what Keras says of them, the verdict, the weights, the table
    passes/    what is done to a graph or a file on the way
    engine, gpu   TensorRT engines: how they are built, how one runs on a GPU

Imports inside this folder are relative, so that `python -m export.tflite` in a checkout and the installed command run
the same code.
"""
