# SPDX-License-Identifier: Apache-2.0
"""Tensors of files as NumPy's arrays, for tests that have NumPy."""

import json

import model_file
import numpy


def read_arrays(path):
    """Every tensor by its name, in double, and the metadata."""
    header, data = model_file.read(path)
    metadata = header.pop("__metadata__")
    return {name: numpy.array(model_file.get_values(header, data, name)).reshape(entry["shape"])
            for name, entry in header.items()}, metadata


class SavedGradients:
    """What `lamina check-gradients --save` leaves: a cost, what it is of, and its gradient."""

    def __init__(self, path):
        arrays, metadata = read_arrays(path)
        self.recipe = json.loads(metadata["recipe"])
        self.inputs = arrays.pop("inputs")
        self.labels = arrays.pop("labels").astype(int)
        self.loss, = arrays.pop("loss")
        self.cost, = arrays.pop("cost")
        self.gradients = {name.removeprefix("gradient."): arrays.pop(name)
                          for name in list(arrays) if name.startswith("gradient.")}
        self.parameters = {name: arrays.pop(name) for name in self.gradients}
        self.factors = arrays  # of dropout
