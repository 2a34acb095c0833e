# SPDX-License-Identifier: Apache-2.0
"""Networks with batch normalization, dropout and skips, trained: their figures worked out from
the model in NumPy, their training followed step by step, and what `lamina evaluate` says."""

import json
import math
import shutil
import tempfile
import unittest
from pathlib import Path

import model_file
from networks import compute_outputs, get_norm, get_prefix
from support import (CHECK_FAILED, IMAGE_BYTES, OK, RECIPE, ROWS_PER_FILE, LaminaTest, devices,
                     lamina, make_learnable_file, read_metrics, read_record, succeed)

try:
    import numpy
    from arrays import SavedGradients, read_arrays
except ImportError:
    numpy = None

TRAIN_ROWS = 1000
VALIDATION_ROWS = 500

# One value is added in two places, one of them behind dropout.
BEFORE = ("[{type: dense, width: 24}, batch_norm, {type: relu, name: a}, {type: dense, width: 24}, "
          "batch_norm, {type: add, from: a}, relu, {type: dropout, rate: 0.2, name: b}, "
          "{type: dense, width: 24}, batch_norm, {type: add, from: b}, relu, "
          "{type: dense, width: 10}]")
BEHIND = ("[{type: dense, width: 24}, relu, {type: batch_norm, name: a}, {type: dense, width: 24}, "
          "{type: add, from: a}, relu, batch_norm, {type: dropout, rate: 0.2}, "
          "{type: dense, width: 10}]")
LAYERS = {"before": BEFORE, "behind": BEHIND}
STATISTICS = {"running": "running", "precise": "precise", "adapted": "{type: adapted, rows: 300}"}


def get_settings(**settings):
    settings = {"data": f"{{train_files: [1], train_first: {TRAIN_ROWS}, "
                        f"validation_count: {VALIDATION_ROWS}}}",
                "measure": "{every_epochs: 2}", **settings}
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def setUpModule():
    """One data folder, and a run for each network and kind of statistics."""
    global place
    place = Path(tempfile.mkdtemp(prefix="lamina-e2e-"))
    unittest.addModuleCleanup(shutil.rmtree, place, ignore_errors=True)
    (place / "data").mkdir()
    make_learnable_file(place / "data/data_batch_1.bin", seed=2)
    make_learnable_file(place / "data/test_batch.bin", seed=3)
    for name, layers in LAYERS.items():
        for kind, statistics in STATISTICS.items():
            train(f"{name}, {kind}", layers=layers, statistics=statistics,
                  schedule="{type: constant, rate: 0.02}", stop="{epochs: 6}")


def train(name, **settings):
    succeed("train", RECIPE, "--data", place / "data", "-o", place / name, "-q",
            *get_settings(**settings))


def read_model(name):
    """The tensors of a run's model."""
    return read_arrays(place / name / "model.safetensors")[0]


def read_split(split):
    """Pixels and labels."""
    file = "test_batch.bin" if split == "test" else "data_batch_1.bin"
    rows = numpy.fromfile(place / "data" / file, dtype=numpy.uint8)
    rows = rows.reshape(ROWS_PER_FILE, 1 + IMAGE_BYTES)
    rows = {"train": rows[:TRAIN_ROWS], "validation": rows[-VALIDATION_ROWS:],
            "test": rows}[split]
    return rows[:, 1:], rows[:, 0].astype(int)


def normalize_pixels(tensors, pixels):
    return (pixels / 255.0 - tensors["input.mean"]) / tensors["input.deviation"]


def compute_softmax_losses(outputs, labels):
    return numpy.logaddexp.reduce(outputs, axis=1) - outputs[numpy.arange(len(labels)), labels]


class Stored:
    """Operations by the statistics in the model."""

    @staticmethod
    def relu(x):
        return numpy.maximum(x, 0)

    @staticmethod
    def batch_norm(x, epsilon, gamma, beta, mean, variance):
        return gamma * (x - mean) / numpy.sqrt(variance + epsilon) + beta


class OfBatch(Stored):
    """By those of the rows at hand."""

    @staticmethod
    def batch_norm(x, epsilon, gamma, beta, mean=None, variance=None):
        return Stored.batch_norm(x, epsilon, gamma, beta, x.mean(axis=0), x.var(axis=0))


class Evaluated(LaminaTest):
    def test_every_network_learned_and_has_more_to_learn(self):
        for name in LAYERS:
            for kind in STATISTICS:
                accuracy = read_record(place / f"{name}, {kind}")["final"]["test"]["accuracy"]
                self.assertGreater(accuracy, 0.15, (name, kind))
                self.assertLess(accuracy, 0.98, (name, kind))

    def test_evaluate_repeats_the_record(self):
        for name in LAYERS:
            for kind in STATISTICS:
                with self.subTest(name, kind=kind):
                    result = succeed("evaluate", place / f"{name}, {kind}", "--json")
                    self.assertEqual(json.loads(result.out),
                                     read_record(place / f"{name}, {kind}")["final"])

    def test_predictions_have_the_same_accuracy(self):
        for name in LAYERS:
            for kind in STATISTICS:
                with self.subTest(name, kind=kind):
                    result = succeed("predict", place / f"{name}, {kind}", "--json")
                    final = read_record(place / f"{name}, {kind}")["final"]
                    self.assertEqual(json.loads(result.out)["accuracy"],
                                     final["test"]["accuracy"])

    def test_ensemble_measures_each_as_it_was(self):
        runs = [f"before, {kind}" for kind in STATISTICS]
        result = succeed("ensemble", *[place / run for run in runs], "--json")
        for run, member in zip(runs, json.loads(result.out)["members"]):
            final = read_record(place / run)["final"]
            for split in ["validation", "test"]:
                self.assertEqual(member[split], final[split]["accuracy"])

    def test_the_kinds_measure_differently_and_train_the_same(self):
        for name in LAYERS:
            records = {kind: read_record(place / f"{name}, {kind}") for kind in STATISTICS}
            losses = {record["final"]["test"]["loss"] for record in records.values()}
            self.assertEqual(len(losses), len(STATISTICS), name)
            weights = set()
            for kind in STATISTICS:
                header, data = model_file.read(place / f"{name}, {kind}/model.safetensors")
                weights.add(tuple(model_file.get_values(header, data, key)
                                  for key in ["layer1.weight", "layer2.batch_norm.gamma"]))
            self.assertEqual(len(weights), 1, name)


@unittest.skipIf(numpy is None, "NumPy is not installed (python3-numpy)")
class Recomputed(LaminaTest):
    """From the model, in double. Adapted statistics are in no file."""

    def test_accuracy_is_the_same(self):
        for name in LAYERS:
            for kind in ["running", "precise"]:
                record = read_record(place / f"{name}, {kind}")
                tensors = read_model(f"{name}, {kind}")
                for split in ["train", "validation", "test"]:
                    with self.subTest(name, kind=kind, split=split):
                        pixels, labels = read_split(split)
                        outputs = compute_outputs(Stored, record["recipe"], tensors,
                                                  normalize_pixels(tensors, pixels))
                        self.assertEqual((outputs.argmax(axis=1) == labels).mean(),
                                         record["final"][split]["accuracy"])
                        self.assertAlmostEqual(compute_softmax_losses(outputs, labels).mean(),
                                               record["final"][split]["loss"], delta=1e-5)

    def test_precise_statistics_are_those_of_all_training_rows(self):
        """There are fewer than the pass would take."""
        for name in LAYERS:
            recipe = read_record(place / f"{name}, precise")["recipe"]
            tensors, seen = read_model(f"{name}, precise"), []
            x = normalize_pixels(tensors, read_split("train")[0])
            compute_outputs(OfBatch, recipe, tensors, x, seen)
            checked = 0
            for index, (layer, x) in enumerate(zip(recipe["layers"], seen)):
                if layer["type"] == "batch_norm":
                    norm = get_norm(tensors, get_prefix(recipe, index))
                    numpy.testing.assert_allclose(norm["mean"], x.mean(axis=0), rtol=1e-4,
                                                  atol=1e-5)
                    numpy.testing.assert_allclose(norm["variance"], x.var(axis=0), rtol=1e-4,
                                                  atol=1e-5)
                    checked += 1
            self.assertGreater(checked, 1)


# ---- training followed ----

class Follower:
    """Plain gradient descent of a chain of layers without skips, written out."""

    def __init__(self, recipe, parameters):
        self.recipe = recipe
        self.tensors = dict(parameters)
        self.steps = 0

    def take_step(self, x, labels, rate):
        seen = []
        outputs = compute_outputs(OfBatch, self.recipe, self.tensors, x, seen)
        g = numpy.exp(outputs - numpy.logaddexp.reduce(outputs, axis=1)[:, None])
        g[numpy.arange(len(labels)), labels] -= 1
        g /= len(labels)
        gradients = {}
        for index in reversed(range(len(seen))):
            g = self.pass_back(index, seen[index], g, gradients)
        for name, gradient in gradients.items():
            self.tensors[name] = self.tensors[name] - rate * gradient
        self.steps += 1

    def pass_back(self, index, x, g, gradients):
        """The gradient of a layer's input x from that of its output."""
        layer, own = self.recipe["layers"][index], get_prefix(self.recipe, index)
        if layer["type"] == "relu":
            return g * (x > 0)
        if layer["type"] == "batch_norm":
            return self.pass_norm(own + "batch_norm.", layer, x, g, gradients)
        weight = self.tensors[own + "weight"]
        gradients[own + "weight"] = x.T @ g + 2 * self.recipe["l2"] * weight
        gradients[own + "bias"] = g.sum(axis=0)
        return g @ weight.T

    def pass_norm(self, own, layer, x, g, gradients):
        """Behind Ioffe and Szegedy, ICML 2015, section 3; running averages on the way."""
        mean, variance = x.mean(axis=0), x.var(axis=0)
        root = numpy.sqrt(variance + layer["epsilon"])
        s = (x - mean) / root
        gradients[own + "gamma"] = (g * s).sum(axis=0)
        gradients[own + "beta"] = g.sum(axis=0)
        kept = layer["momentum"] if self.steps > 0 else 0
        for name, value in [("mean", mean), ("variance", variance)]:
            self.tensors[own + name] = kept * self.tensors.get(own + name, 0) + (1 - kept) * value
        g = g * self.tensors[own + "gamma"]
        return (g - g.mean(axis=0) - s * (g * s).mean(axis=0)) / root


@unittest.skipIf(numpy is None, "NumPy is not installed (python3-numpy)")
@unittest.skipUnless(any(device["fp64"] for device in devices()),
                     "no device has double precision")
class Followed(LaminaTest):
    BATCH, ROWS, STEPS, RATE, SEED = 40, 200, 15, 0.1, 5
    LAYERS = {
        "before": "[{type: dense, width: 17}, {type: batch_norm, momentum: 0.7}, relu, "
                  "{type: dense, width: 13}, batch_norm, relu, {type: dense, width: 10}]",
        "behind": "[{type: dense, width: 17}, relu, {type: batch_norm, epsilon: 0.01}, "
                  "{type: dense, width: 13}, relu, batch_norm, {type: dense, width: 10}]",
    }

    def get_settings(self, layers):
        return {"data": f"{{train_files: [1], train_first: {self.ROWS}}}", "shuffle": "false",
                "layers": layers, "batch": self.BATCH, "stop": f"{{steps: {self.STEPS}}}",
                "schedule": f"{{type: constant, rate: {self.RATE}}}", "seed": self.SEED}

    def draw_parameters(self, layers):
        """Those at step 0."""
        path = self.place / "initial.safetensors"
        result = lamina("check-gradients", RECIPE, "--data", place / "data", "--samples",
                        "first:20", "--seed", self.SEED, "--entries", "1", "--save", path,
                        *get_settings(**self.get_settings(layers)))
        self.assertIn(result.status, (OK, CHECK_FAILED), result.err)
        return SavedGradients(path).parameters

    def follow(self, recipe, parameters, tensors):
        pixels, labels = read_split("train")
        x = normalize_pixels(tensors, pixels[:self.ROWS])
        follower = Follower(recipe, parameters)
        for step in range(self.STEPS):
            first = step * self.BATCH % self.ROWS
            rows = slice(first, first + self.BATCH)
            follower.take_step(x[rows], labels[rows], self.RATE)
        return follower.tensors

    def assert_near(self, name, found, expected):
        """In single precision, norm-wise."""
        error = numpy.linalg.norm(found - expected) / numpy.linalg.norm(expected)
        self.assertLess(error, 1e-4, name)

    def test_steps_lead_to_the_same_model(self):
        for kind, layers in self.LAYERS.items():
            with self.subTest(kind):
                train(f"followed {kind}", **self.get_settings(layers))
                recipe = read_record(place / f"followed {kind}")["recipe"]
                tensors = read_model(f"followed {kind}")
                expected = self.follow(recipe, self.draw_parameters(layers), tensors)
                moved = numpy.abs(expected["layer1.batch_norm.gamma"] - 1).max()
                self.assertGreater(moved, 0.02)
                names = {name for name in tensors if name.startswith("layer")}
                self.assertEqual(expected.keys(), names)
                for name in names:
                    is_idle = kind == "before" and name in ("layer1.bias", "layer2.bias")
                    if is_idle:
                        self.assertLess(numpy.abs(tensors[name]).max(), 1e-6, name)
                    else:
                        self.assert_near(name, tensors[name], expected[name])


class SingleRows(LaminaTest):
    def test_batches_of_one_row_train(self):
        """No batch has a variance: hidden layers give beta for any image."""
        for name, layers in LAYERS.items():
            for kind, statistics in STATISTICS.items():
                with self.subTest(name, kind=kind):
                    run = f"one, {name}, {kind}"
                    train(run, layers=layers, statistics=statistics, batch=1,
                          data="{train_files: [1], train_first: 60, validation_count: 50}",
                          schedule="{type: constant, rate: 0.01}", stop="{epochs: 2}")
                    for row in read_metrics(place / run):
                        self.assertTrue(all(map(math.isfinite, map(float, row))), row)
                    header, data = model_file.read(place / run / "model.safetensors")
                    header.pop("__metadata__")
                    for key in header:
                        self.assertTrue(all(map(math.isfinite,
                                                model_file.get_values(header, data, key))), key)

    def test_a_single_row_to_measure(self):
        train("measured on one", layers=BEFORE, statistics="adapted", batch=20,
              data="{train_files: [1], train_first: 60, validation_count: 1}",
              schedule="{type: constant, rate: 0.01}", stop="{epochs: 2}")
        for row in read_metrics(place / "measured on one"):
            self.assertTrue(all(map(math.isfinite, map(float, row))), row)


if __name__ == "__main__":
    unittest.main()
