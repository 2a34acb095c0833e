#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds gradients that `lamina check-gradients --save` wrote against NumPy's in double precision.

Knows chains of dense layers with ReLU between them, softmax cross-entropy and L2. Prints
{"norm_relative": ..}, the largest of all tensors.
"""
import argparse
import json
import pathlib

import numpy as np


def load(path):
    """The tensors and the recipe of a safetensors file of doubles."""
    data = pathlib.Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    recipe = json.loads(header.pop("__metadata__")["recipe"])
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], "<f8").reshape(entry["shape"])
    return tensors, recipe


def get_gradients(tensors, recipe):
    """dcost/dparameter of every parameter, by name."""
    types = [layer["type"] for layer in recipe["layers"]]
    if set(types) > {"dense", "relu"} or recipe["loss"] != "softmax_cross_entropy":
        raise SystemExit("numpy_gradient: only dense layers, relu and softmax_cross_entropy")
    count = types.count("dense")
    labels = tensors["labels"].astype(int)
    weights = [tensors[f"layer{n}.weight"] for n in range(1, count + 1)]
    values = [tensors["inputs"]]
    for n, weight in enumerate(weights, 1):
        outputs = values[-1] @ weight + tensors[f"layer{n}.bias"]
        values.append(np.maximum(outputs, 0) if n < count else outputs)
    p = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
    gradient = p / p.sum(axis=1, keepdims=True)
    gradient[np.arange(len(labels)), labels] -= 1
    gradient /= len(labels)
    found = {}
    for n in range(count, 0, -1):
        weight = weights[n - 1]
        found[f"layer{n}.weight"] = values[n - 1].T @ gradient + 2 * recipe["l2"] * weight
        found[f"layer{n}.bias"] = gradient.sum(axis=0)
        gradient = (gradient @ weight.T) * (values[n - 1] > 0)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    tensors, recipe = load(parser.parse_args().file)
    errors = []
    for name, expected in get_gradients(tensors, recipe).items():
        error = np.linalg.norm(tensors["gradient." + name] - expected)
        errors.append(error / np.linalg.norm(expected))
    print(json.dumps({"norm_relative": max(errors)}))


if __name__ == "__main__":
    main()
