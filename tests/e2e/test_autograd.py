# SPDX-License-Identifier: Apache-2.0
"""Gradients of whole networks against programs that know nothing of Lamina's: PyTorch's autograd,
and derivatives by a complex step in NumPy, each from the inputs and parameters that `lamina
check-gradients --save` leaves."""

import unittest

from networks import compute_outputs
from support import CHECK_FAILED, OK, SOURCE_ROOT, LaminaTest, devices, lamina

try:
    import numpy
    from arrays import SavedGradients
except ImportError:
    numpy = None
try:
    import torch
    from torch.nn import functional
except ImportError:
    torch = None

BOUND = 1e-10
FLOAT_BOUND = 1e-4
CHECK = ["check-gradients", str(SOURCE_ROOT / "results/a2-fig3/recipe.yaml"), "--data",
         "synthetic", "--set", "data={train_files: [1], train_first: 100}", "--set",
         "initialization=he", "--entries", "1"]


def dense(width, *behind):
    return ", ".join([f"{{type: dense, width: {width}}}", *behind])


def chain(widths, *behind):
    """Dense layers, each with `behind`, and the last."""
    return "[" + ", ".join([*(dense(width, *behind) for width in widths), dense(10)]) + "]"


# The widths, inputs and samples of tests/test_gradient_check.c: others would be kernels of their
# own, which take long to compile.
NINE = [23, 7, 23, 7, 23, 7, 23, 7]
SKIPS = ("[{type: dense, width: 7}, %s {type: relu, name: a}, {type: dense, width: 7}, %s "
         "{type: add, from: a}, {type: %s, name: b}, {type: dense, width: 7}, "
         "{type: add, from: a}, relu, {type: dense, width: 7}, {type: add, from: b}, relu, "
         "{type: dense, width: 10}]")

LAYERS = {
    "one layer": chain([]),
    "two layers": chain([23], "relu"),
    "three layers": chain([23, 7], "relu"),
    "four layers": chain([23, 7, 23], "relu"),
    "nine layers": chain(NINE, "relu"),
    "sigmoid": chain([23, 7], "sigmoid"),
    "no activation": chain([23, 7]),
    "two layers, normalized": chain([23], "batch_norm", "relu"),
    "three layers, normalized": chain([23, 7], "batch_norm", "relu"),
    "four layers, normalized": chain([23, 7, 23], "batch_norm", "relu"),
    "nine layers, normalized": chain(NINE, "batch_norm", "relu"),
    "normalized before sigmoid": chain([23, 7], "batch_norm", "sigmoid"),
    "normalized without activation": chain([23, 7], "batch_norm"),
    "two layers, normalized behind": chain([23], "relu", "batch_norm"),
    "three layers, normalized behind": chain([23, 7], "relu", "batch_norm"),
    "nine layers, normalized behind": chain(NINE, "relu", "batch_norm"),
    "normalized behind sigmoid": chain([23, 7], "sigmoid", "batch_norm"),
    "another epsilon": chain([23, 7], "{type: batch_norm, epsilon: 0.25}", "relu"),
    "dropout": chain([23, 7], "relu", "{type: dropout, rate: 0.3}"),
    "dropout, normalized": chain([23, 7], "batch_norm", "relu", "{type: dropout, rate: 0.3}"),
    "dropout, normalized behind": chain([23, 7], "sigmoid", "batch_norm",
                                        "{type: dropout, rate: 0.3}"),
    "skip from dropout": "[{type: dense, width: 7}, relu, {type: dropout, rate: 0.3, name: a}, "
                         "{type: dense, width: 7}, {type: add, from: a}, sigmoid, "
                         "{type: dropout, rate: 0.2}, {type: dense, width: 10}]",
    "skips": SKIPS % ("", "", "relu"),
    "skips, normalized": SKIPS % ("batch_norm,", "batch_norm,", "sigmoid"),
}
SMOOTHED = ["label_smoothing=0.2"]
BINARY = ["loss=binary_cross_entropy"]
HINGE = ["loss=hinge"]

# name -> layers, further settings
CASES = {name: (layers, []) for name, layers in LAYERS.items()}
CASES |= {f"{name}, {end}": (LAYERS[name], settings)
          for name in ["one layer", "three layers", "three layers, normalized"]
          for end, settings in [("smoothed labels", SMOOTHED), ("binary", BINARY),
                                ("hinge", HINGE), ("no penalty", ["l2=0"])]}
CASES["everything"] = (SKIPS % ("batch_norm,", "batch_norm,", "relu"), [*SMOOTHED, "l2=0.3"])


def save(path, layers, settings=(), samples="random:20", precision="double"):
    """Reads what a check leaves. Its own verdict does not count: it took the differences of one
    entry of each tensor."""
    sets = [part for setting in settings for part in ("--set", setting)]
    result = lamina(*CHECK, "--inputs", "20", "--set", "l2=0.1", "--set", f"layers={layers}",
                    *sets, "--samples", samples, "--seed", "42",
                    "--precision", precision, "--save", path)
    if result.status not in (OK, CHECK_FAILED):
        raise AssertionError(result.err)
    return SavedGradients(path)


@unittest.skipIf(numpy is None, "NumPy is not installed (python3-numpy)")
@unittest.skipUnless(any(device["fp64"] for device in devices()),
                     "no device has double precision")
class Compared(LaminaTest):
    """Every case's file is made once, whoever compares it."""

    saved = {}

    def get_saved(self, name):
        if name not in self.saved:
            self.saved[name] = save(self.place / "case.safetensors", *CASES[name])
        return self.saved[name]

    def assert_same_cost(self, saved, loss, cost):
        self.assertAlmostEqual(loss / saved.loss, 1, delta=1e-13)
        self.assertAlmostEqual(cost / saved.cost, 1, delta=1e-13)

    def assert_same_gradients(self, saved, expected, bound=BOUND):
        """A bias right in front of a normalization has no influence: its gradient is rounding,
        and held to the largest one."""
        greatest = max(numpy.linalg.norm(values) for values in expected.values())
        self.assertGreater(greatest, 0)
        self.assertEqual(saved.gradients.keys(), expected.keys())
        for name, values in expected.items():
            norm = numpy.linalg.norm(values)
            norm = norm if norm > 1e-3 * bound * greatest else greatest
            error = numpy.linalg.norm(saved.gradients[name] - values) / norm
            self.assertLessEqual(error, bound, name)


# ---- PyTorch ----

class TorchOperations:
    """What the network is made of, by PyTorch's own functions."""

    @staticmethod
    def relu(x):
        return torch.relu(x)

    @staticmethod
    def sigmoid(x):
        return torch.sigmoid(x)

    @staticmethod
    def batch_norm(x, epsilon, gamma, beta):
        return functional.batch_norm(x, None, None, gamma, beta, training=True, eps=epsilon)


def compute_torch_loss(recipe, outputs, labels):
    classes = outputs.shape[1]
    if recipe["loss"] == "hinge":
        return classes * functional.multi_margin_loss(outputs, labels)
    if recipe["loss"] == "binary_cross_entropy":
        targets = functional.one_hot(labels, classes).to(outputs.dtype)
        return functional.binary_cross_entropy_with_logits(outputs, targets)
    # PyTorch spreads its e over all classes, the true one among them.
    smoothing = recipe["label_smoothing"] * classes / (classes - 1)
    return functional.cross_entropy(outputs, labels, label_smoothing=smoothing)


@unittest.skipIf(torch is None, "PyTorch is not installed for this Python (python3-torch)")
class AgainstPyTorch(Compared):
    def differentiate(self, saved):
        def make(array):
            return torch.tensor(array, dtype=torch.float64)

        parameters = {name: make(values).requires_grad_()
                      for name, values in saved.parameters.items()}
        factors = {name: make(values) for name, values in saved.factors.items()}
        outputs = compute_outputs(TorchOperations, saved.recipe, {**parameters, **factors},
                                  make(saved.inputs))
        loss = compute_torch_loss(saved.recipe, outputs, torch.tensor(saved.labels))
        cost = loss + saved.recipe["l2"] * sum(
            (values**2).sum() for name, values in parameters.items() if name.endswith(".weight"))
        cost.backward()
        gradients = {name: values.grad.numpy() for name, values in parameters.items()}
        return loss.item(), cost.item(), gradients

    def test_cost_and_gradients(self):
        for name in CASES:
            with self.subTest(name):
                saved = self.get_saved(name)
                loss, cost, gradients = self.differentiate(saved)
                self.assert_same_cost(saved, loss, cost)
                self.assert_same_gradients(saved, gradients)


# ---- NumPy ----

class NumpyOperations:
    """The same for complex numbers: derivatives along the real axis. Values are [.., rows,
    columns], parameters [.., in or 1, columns]: any number of networks at once."""

    @staticmethod
    def relu(x):
        return numpy.where(x.real > 0, x, 0)

    @staticmethod
    def sigmoid(x):
        return 1 / (1 + numpy.exp(-x))

    @staticmethod
    def batch_norm(x, epsilon, gamma, beta):
        deviations = x - x.mean(axis=-2, keepdims=True)
        variance = (deviations * deviations).mean(axis=-2, keepdims=True)
        return gamma * deviations / numpy.sqrt(variance + epsilon) + beta


def compute_numpy_loss(recipe, outputs, labels):
    """The mean over the rows, of each network."""
    classes = outputs.shape[-1]
    true = numpy.eye(classes)[labels]
    if recipe["loss"] == "hinge":
        of_true = (outputs * true).sum(axis=-1, keepdims=True)
        losses = ((1 - true) * NumpyOperations.relu(outputs - of_true + 1)).sum(axis=-1)
    elif recipe["loss"] == "binary_cross_entropy":
        p = NumpyOperations.sigmoid(outputs)
        losses = -numpy.where(true, numpy.log(p), numpy.log(1 - p)).mean(axis=-1)
    else:
        e = recipe["label_smoothing"]
        targets = true * (1 - e) + (1 - true) * e / (classes - 1)
        losses = numpy.log(numpy.exp(outputs).sum(axis=-1)) - (targets * outputs).sum(axis=-1)
    return losses.mean(axis=-1)


class AgainstNumpy(Compared):
    """dJ/dw = Im J(w + ih) / h: nothing is subtracted, so h may be so small that the rest of
    Taylor's series vanishes (Squire and Trapp, SIAM Review, 1998)."""

    STEP = 1e-30

    @staticmethod
    def compute(saved, parameters):
        outputs = compute_outputs(NumpyOperations, saved.recipe,
                                  {**parameters, **saved.factors}, saved.inputs)
        loss = compute_numpy_loss(saved.recipe, outputs, saved.labels)
        squares = sum((values * values).sum(axis=(-2, -1))
                      for name, values in parameters.items() if name.endswith(".weight"))
        return loss, loss + saved.recipe["l2"] * squares

    def differentiate(self, saved):
        gradients = {}
        for name, values in saved.parameters.items():
            steps = self.STEP * numpy.eye(values.size).reshape(-1, *numpy.atleast_2d(values).shape)
            stepped = {**saved.parameters, name: values + 1j * steps}
            gradients[name] = self.compute(saved, stepped)[1].imag.reshape(values.shape)
            gradients[name] /= self.STEP
        return gradients

    def test_cost_and_gradients(self):
        for name in CASES:
            with self.subTest(name):
                saved = self.get_saved(name)
                self.assert_same_cost(saved, *self.compute(saved, saved.parameters))
                self.assert_same_gradients(saved, self.differentiate(saved))

    def test_gradients_in_single_precision(self):
        """Steps wide enough for differences in float carry deep networks over the kinks of
        ReLU; these do not."""
        for name in ["nine layers, normalized", "nine layers, normalized behind",
                     "dropout, normalized behind", "everything"]:
            with self.subTest(name):
                saved = save(self.place / "float.safetensors", *CASES[name], precision="float")
                self.assert_same_gradients(saved, self.differentiate(saved), FLOAT_BOUND)

    def test_single_row(self):
        """A batch of one row has no variance: normalization gives beta, and its gradient ends
        there."""
        for name in ["normalized before sigmoid", "three layers, normalized behind"]:
            with self.subTest(name):
                saved = save(self.place / "row.safetensors", LAYERS[name], ["l2=0"],
                             samples="first:1")
                self.assert_same_gradients(saved, self.differentiate(saved))
                self.assertFalse(saved.gradients["layer1.weight"].any())
                self.assertTrue(saved.gradients["layer2.batch_norm.beta"].any())


if __name__ == "__main__":
    unittest.main()
