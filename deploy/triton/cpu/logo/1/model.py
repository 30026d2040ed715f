"""Triton's Python backend for a model of logo_keras: one onnxruntime call for all requests that the server batched."""

import json
import os

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    """What the server calls. It has checked shapes and types against config.pbtxt, and the size of the batch."""

    def initialize(self, args):
        """Opens `model.onnx`, which lies beside this file.

        Args:
            args: dict of str, what the server says of the model; `model_config` is config.pbtxt as JSON.
        """
        config = json.loads(args["model_config"])
        parameters = {name: value["string_value"] for name, value in config["parameters"].items()}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters["intra_op_thread_count"])
        for name, value in parameters.items():
            if name.startswith("session."):
                options.add_session_config_entry(name, value)
        path = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._input = config["input"][0]["name"]
        self._outputs = [output["name"] for output in config["output"]]

    def execute(self, requests):
        """Answers requests of one photograph or more each, in one batch.

        Args:
            requests: list of InferenceRequest, each with `images` `[b, S, S, 3]`.

        Returns:
            list of InferenceResponse in the same order, each with the outputs that its request asked for.
        """
        images = [triton.get_input_tensor_by_name(request, self._input).as_numpy() for request in requests]
        answers = self._session.run(self._outputs, {self._input: np.concatenate(images)})
        ends = np.cumsum([len(part) for part in images])[:-1]
        parts = {name: np.split(answer, ends) for name, answer in zip(self._outputs, answers, strict=True)}
        return [
            triton.InferenceResponse(
                [triton.Tensor(name, parts[name][place]) for name in self._outputs if name in request.requested_output_names()]
            )
            for place, request in enumerate(requests)
        ]
