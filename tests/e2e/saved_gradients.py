# SPDX-License-Identifier: Apache-2.0
"""Files of `lamina check-gradients --save` taken apart, for tests that have NumPy."""

import json

import model_file
import numpy


class SavedGradients:
    """A cost, what it is of, and its gradient: arrays by name."""

    def __init__(self, path):
        header, data = model_file.read(path)
        self.metadata = header.pop("__metadata__")
        self.recipe = json.loads(self.metadata["recipe"])
        self.dtypes = {entry["dtype"] for entry in header.values()}
        arrays = {name: numpy.array(model_file.get_values(header, data, name))
                  .reshape(entry["shape"]) for name, entry in header.items()}
        self.inputs = arrays.pop("inputs")
        self.labels = arrays.pop("labels").astype(int)
        self.loss, = arrays.pop("loss")
        self.cost, = arrays.pop("cost")
        self.gradients = {name.removeprefix("gradient."): arrays.pop(name)
                          for name in list(arrays) if name.startswith("gradient.")}
        self.parameters = {name: arrays.pop(name) for name in self.gradients}
        self.factors = arrays  # of dropout


def compute_outputs(operations, recipe, parameters, factors, inputs):
    """The last layer's outputs, layer by layer as the recipe lists them. `operations` are a
    library's: they have relu, sigmoid and batch_norm."""
    x, dense, named = inputs, 0, {}
    for layer in recipe["layers"]:
        own = f"layer{dense}."
        if layer["type"] == "dense":
            dense += 1
            own = f"layer{dense}."
            x = x @ parameters[own + "weight"] + parameters[own + "bias"]
        elif layer["type"] == "batch_norm":
            x = operations.batch_norm(x, parameters[own + "batch_norm.gamma"],
                                      parameters[own + "batch_norm.beta"], layer["epsilon"])
        elif layer["type"] == "dropout":
            x = x * factors[own + "dropout.factors"]
        elif layer["type"] == "add":
            x = x + named[layer["from"]]
        else:
            x = getattr(operations, layer["type"])(x)
        named[layer.get("name")] = x
    return x
