"""What is done to a graph or a file on the way.

TFLite: flatbuffer reads and writes it, tflite_graph tells networks from geometry, quantization makes it smaller, mediapipe
describes it to MediaPipe Tasks. ONNX: onnx_graph tidies it, mixed_precision rewrites its networks for TensorRT. SavedModel:
graph_preprocessing decodes and resizes photos inside it.
"""
