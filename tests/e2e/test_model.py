# SPDX-License-Identifier: Apache-2.0
"""Trained models as other programs see them: the file's format, and its figures in NumPy."""

import json
import math
import shutil
import tempfile
import unittest
from pathlib import Path

import model_file
from support import (IMAGE_BYTES, RECIPE, ROWS_PER_FILE, LaminaTest, make_learnable_file,
                     read_record, succeed)

try:
    import numpy
except ImportError:
    numpy = None
try:
    from safetensors.numpy import load_file
except ImportError:
    load_file = None

TRAIN_ROWS = 1000
VALIDATION_ROWS = 500
SHAPES = {"input.mean": [3072], "input.deviation": [3072], "layer1.weight": [3072, 50],
          "layer1.bias": [50], "layer2.weight": [50, 10], "layer2.bias": [10]}


def setUpModule():
    """One data folder and one run for the whole module; the data is named by relative path."""
    global place, run
    place = Path(tempfile.mkdtemp(prefix="lamina-e2e-"))
    unittest.addModuleCleanup(shutil.rmtree, place, ignore_errors=True)
    (place / "data").mkdir()
    make_learnable_file(place / "data/data_batch_1.bin", seed=2)
    make_learnable_file(place / "data/test_batch.bin", seed=3)
    run = place / "run"
    succeed("train", RECIPE, "--data", "data", "-o", "run", "-q",
            "--set", f"data.train_first={TRAIN_ROWS}",
            "--set", f"data.validation_count={VALIDATION_ROWS}",
            "--set", "schedule={type: constant, rate: 0.01}",
            "--set", "measure={every_epochs: 5}", "--set", "stop={epochs: 10}", cwd=place)


class Learned(LaminaTest):
    def test_the_network_learned_and_has_more_to_learn(self):
        """Else the comparison of accuracies below would prove nothing."""
        accuracy = read_record(run)["final"]["test"]["accuracy"]
        self.assertGreater(accuracy, 0.2)
        self.assertLess(accuracy, 0.98)

    def test_evaluate_finds_the_data_from_anywhere(self):
        self.assertTrue(Path(read_record(run)["data_directory"]).is_absolute())
        result = succeed("evaluate", run, "--json", cwd=self.place)
        self.assertEqual(json.loads(result.out), read_record(run)["final"])

    def test_evaluate_takes_other_data(self):
        swapped = self.place / "swapped"
        swapped.mkdir()
        (swapped / "data_batch_1.bin").symlink_to(place / "data/test_batch.bin")
        (swapped / "test_batch.bin").symlink_to(place / "data/data_batch_1.bin")
        result = succeed("evaluate", run, "--json", "--data", swapped)
        self.assertNotEqual(json.loads(result.out)["test"], read_record(run)["final"]["test"])


class Format(LaminaTest):
    def test_names_types_and_shapes(self):
        header, _ = model_file.read(run / "model.safetensors")
        metadata = header.pop("__metadata__")
        self.assertEqual({name: entry["shape"] for name, entry in header.items()}, SHAPES)
        for name, entry in header.items():
            self.assertEqual(entry["dtype"], "F64" if name.startswith("input.") else "F32")
        self.assertEqual(metadata["step"], str(read_record(run)["steps"]))
        self.assertTrue(all(isinstance(value, str) for value in metadata.values()))

    def test_tensors_fill_the_file_without_gaps(self):
        header, data = model_file.read(run / "model.safetensors")
        header.pop("__metadata__")
        end = 0
        for entry in sorted(header.values(), key=lambda entry: entry["data_offsets"]):
            self.assertEqual(entry["data_offsets"][0], end)
            end += math.prod(entry["shape"]) * model_file.ITEM_BYTES[entry["dtype"]]
            self.assertEqual(entry["data_offsets"][1], end)
        self.assertEqual(end, len(data))
        self.assertEqual(((run / "model.safetensors").stat().st_size - len(data)) % 8, 0)

    def test_values_are_finite(self):
        header, data = model_file.read(run / "model.safetensors")
        for name in SHAPES:
            values = model_file.get_values(header, data, name)
            self.assertTrue(all(map(math.isfinite, values)), name)
            self.assertGreater(len(set(values)), 1, name)

    @unittest.skipIf(load_file is None, "the safetensors package is not installed")
    def test_the_safetensors_package_reads_the_same(self):
        header, data = model_file.read(run / "model.safetensors")
        tensors = load_file(run / "model.safetensors")
        self.assertEqual({name: list(tensor.shape) for name, tensor in tensors.items()}, SHAPES)
        for name, tensor in tensors.items():
            self.assertEqual(tuple(tensor.ravel().tolist()),
                             model_file.get_values(header, data, name))


@unittest.skipIf(numpy is None, "NumPy is not installed (python3-numpy)")
class Recomputed(LaminaTest):
    """The model in NumPy, in double, on the rows as they lie in the files."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        header, data = model_file.read(run / "model.safetensors")
        cls.tensors = {name: numpy.array(model_file.get_values(header, data, name))
                       .reshape(shape) for name, shape in SHAPES.items()}
        first = cls.read_rows("data_batch_1.bin")
        cls.splits = {"train": first[:TRAIN_ROWS], "validation": first[-VALIDATION_ROWS:],
                      "test": cls.read_rows("test_batch.bin")}
        cls.final = read_record(run)["final"]

    @staticmethod
    def read_rows(file):
        content = numpy.fromfile(place / "data" / file, dtype=numpy.uint8)
        return content.reshape(ROWS_PER_FILE, 1 + IMAGE_BYTES)

    def compute_logits(self, rows):
        t = self.tensors
        x = (rows[:, 1:] / 255.0 - t["input.mean"]) / t["input.deviation"]
        h = numpy.maximum(x @ t["layer1.weight"] + t["layer1.bias"], 0)
        return h @ t["layer2.weight"] + t["layer2.bias"]

    def test_normalization_is_that_of_the_training_rows(self):
        x = self.splits["train"][:, 1:] / 255.0
        numpy.testing.assert_allclose(self.tensors["input.mean"], x.mean(axis=0), rtol=1e-12)
        numpy.testing.assert_allclose(self.tensors["input.deviation"], x.std(axis=0),
                                      rtol=1e-11)

    def test_accuracy_is_the_same(self):
        for split, rows in self.splits.items():
            hits = self.compute_logits(rows).argmax(axis=1) == rows[:, 0]
            self.assertEqual(hits.mean(), self.final[split]["accuracy"], split)

    def test_loss_and_cost_are_the_same_in_single_precision(self):
        squares = sum((self.tensors[name]**2).sum() for name in SHAPES if "weight" in name)
        for split, rows in self.splits.items():
            logits = self.compute_logits(rows)
            chosen = logits[numpy.arange(len(rows)), rows[:, 0]]
            loss = (numpy.logaddexp.reduce(logits, axis=1) - chosen).mean()
            self.assertAlmostEqual(loss, self.final[split]["loss"], delta=1e-5)
            self.assertAlmostEqual(loss + 0.01 * squares, self.final[split]["cost"],
                                   delta=1e-5)


if __name__ == "__main__":
    unittest.main()
