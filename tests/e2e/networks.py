# SPDX-License-Identifier: Apache-2.0
"""Networks as recipes describe them, by whatever library has the operations."""


def compute_outputs(operations, recipe, tensors, inputs, seen=None):
    """The last layer's outputs. `tensors` are named as in models; dropout multiplies with what
    it finds there, and outside training finds nothing. `operations` has relu(x), sigmoid(x) and
    batch_norm(x, epsilon, gamma=, beta=, ..), which gets all tensors of its layer. `seen`, a
    list, gets each layer's input."""
    x, own, named = inputs, None, {}
    for index, layer in enumerate(recipe["layers"]):
        if seen is not None:
            seen.append(x)
        if layer["type"] == "dense":
            own = get_prefix(recipe, index)
            x = x @ tensors[own + "weight"] + tensors[own + "bias"]
        elif layer["type"] == "batch_norm":
            x = operations.batch_norm(x, layer["epsilon"], **get_norm(tensors, own))
        elif layer["type"] == "dropout":
            x = x * tensors.get(own + "dropout.factors", 1)
        elif layer["type"] == "add":
            x = x + named[layer["from"]]
        else:
            x = getattr(operations, layer["type"])(x)
        named[layer.get("name")] = x
    return x


def get_prefix(recipe, index):
    """"layer2." for what belongs to the second dense layer."""
    return f"layer{sum(layer['type'] == 'dense' for layer in recipe['layers'][:index + 1])}."


def get_norm(tensors, prefix):
    prefix += "batch_norm."
    return {name.removeprefix(prefix): values for name, values in tensors.items()
            if name.startswith(prefix)}
