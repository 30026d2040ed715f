"""Runs a TFLite file in MediaPipe Tasks: MODEL FOLDER TASK, where FOLDER holds PNGs. Prints JSON.

TASK is `classify`, in the ImageClassifier, or `embed`, in the ImageEmbedder. Of every PNG, by its name: `labels` and `scores` of
the first head, best first, and `heads`, a dict from the name of each further head to its values in the order of the tensor; or
`heads` alone, of the embedder. Besides, under `description`, what MediaPipe's own schema reads in the file's metadata: `inputs`
and `outputs`, lists of `name`, `description` and, where given, `mean`, `std`, `threshold`, `max`, `min`, `files`.

Needs the environment of requirements/clients/mediapipe.txt, and nothing of logo_keras.
"""

import json
import sys
from pathlib import Path

# A script's own folder comes first when modules are looked for, and this one is named as the package is.
sys.path.pop(0)

import mediapipe as mp  # noqa: E402
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema  # noqa: E402
from mediapipe.tasks.metadata import schema_py_generated as tflite  # noqa: E402
from mediapipe.tasks.python import BaseOptions, vision  # noqa: E402


def answer(classifier, photo):
    """The answer to one PNG."""
    first, *others = classifier.classify(mp.Image.create_from_file(str(photo))).classifications
    heads = {}
    for head in others:
        values = [None] * len(head.categories)
        for category in head.categories:
            values[category.index] = category.score
        heads[head.head_name] = values
    # An empty name comes as None.
    labels = [category.category_name or "" for category in first.categories]
    return {
        "head": first.head_name,
        "labels": labels,
        "scores": [category.score for category in first.categories],
        "heads": heads,
    }


def embedded(embedder, photo):
    """The embeddings of one PNG."""
    found = embedder.embed(mp.Image.create_from_file(str(photo))).embeddings
    return {"heads": {head.head_name: head.embedding.tolist() for head in found}}


def described(path):
    """What MediaPipe's schema reads in the metadata."""
    # Not their MetadataDisplayer: mediapipe 1.2.2 lacks a module that it imports.
    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    entries = [model.Metadata(each) for each in range(model.MetadataLength())]
    (place,) = (entry.Buffer() for entry in entries if entry.Name() == b"TFLITE_METADATA")
    graph = schema.ModelMetadata.GetRootAsModelMetadata(model.Buffers(place).DataAsNumpy().tobytes(), 0).SubgraphMetadata(0)

    def tensor(found):
        said = {"name": found.Name().decode(), "description": found.Description().decode()}
        unit = found.ProcessUnits(0) if found.ProcessUnitsLength() else None
        if unit and unit.OptionsType() == schema.ProcessUnitOptions.ScoreThresholdingOptions:
            thresholding, options = schema.ScoreThresholdingOptions(), unit.Options()
            thresholding.Init(options.Bytes, options.Pos)
            said["threshold"] = thresholding.GlobalScoreThreshold()
        elif unit:
            normalization, options = schema.NormalizationOptions(), unit.Options()
            normalization.Init(options.Bytes, options.Pos)
            said |= {"mean": normalization.MeanAsNumpy().tolist(), "std": normalization.StdAsNumpy().tolist()}
        if found.Stats():
            said |= {"max": found.Stats().MaxAsNumpy().tolist(), "min": found.Stats().MinAsNumpy().tolist()}
        if found.AssociatedFilesLength():
            said["files"] = [found.AssociatedFiles(each).Name().decode() for each in range(found.AssociatedFilesLength())]
        return said

    return {
        "inputs": [tensor(graph.InputTensorMetadata(each)) for each in range(graph.InputTensorMetadataLength())],
        "outputs": [tensor(graph.OutputTensorMetadata(each)) for each in range(graph.OutputTensorMetadataLength())],
    }


def main():
    model, folder = map(Path, sys.argv[1:3])
    task, options, one = {
        "classify": (vision.ImageClassifier, vision.ImageClassifierOptions, answer),
        "embed": (vision.ImageEmbedder, vision.ImageEmbedderOptions, embedded),
    }[sys.argv[3]]
    with task.create_from_options(options(base_options=BaseOptions(model_asset_path=str(model)))) as running:
        answers = {photo.name: one(running, photo) for photo in sorted(folder.glob("*.png"))}
    print(json.dumps({"answers": answers, "description": described(model)}))


if __name__ == "__main__":
    main()
