# SPDX-License-Identifier: Apache-2.0
"""`lamina predict`: the run's own accuracy, and probabilities that NumPy finds, too."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

import model_file
import predictions
from support import (BAD_MODEL, BAD_OUTPUT, RECIPE, ROWS_PER_FILE, SMALL, USAGE, LaminaTest,
                     lamina, make_learnable_file, read_record, succeed, take_snapshot, train)

try:
    import numpy
except ImportError:
    numpy = None

TRAIN_ROWS = 1000
VALIDATION_ROWS = 1500  # more than one step of an evaluation, and no whole number of them
ROWS = {"train": TRAIN_ROWS, "validation": VALIDATION_ROWS, "test": ROWS_PER_FILE}
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
           "truck"]
LOSSES = {"softmax_cross_entropy": "softmax", "binary_cross_entropy": "sigmoid of each class",
          "hinge": "softmax of the scores, uncalibrated"}


def setUpModule():
    """One data folder, and a run for each loss."""
    global place
    place = Path(tempfile.mkdtemp(prefix="lamina-e2e-"))
    unittest.addModuleCleanup(shutil.rmtree, place, ignore_errors=True)
    (place / "data").mkdir()
    make_learnable_file(place / "data/data_batch_1.bin", seed=2)
    make_learnable_file(place / "data/test_batch.bin", seed=3)
    for loss in LOSSES:
        succeed("train", RECIPE, "--data", place / "data", "-o", place / loss, "-q",
                "--set", f"data.train_first={TRAIN_ROWS}",
                "--set", f"data.validation_count={VALIDATION_ROWS}", "--set", f"loss={loss}",
                "--set", "schedule={type: constant, rate: 0.01}",
                "--set", "measure={every_epochs: 5}", "--set", "stop={epochs: 10}")


class EachLoss(LaminaTest):
    def predict(self, loss, split):
        path = self.place / f"{loss}-{split}.csv"
        result = succeed("predict", place / loss, "--split", split, "-o", path, "--json")
        return predictions.read(path), json.loads(result.out)

    def test_every_row_of_every_split(self):
        for loss, meaning in LOSSES.items():
            final = read_record(place / loss)["final"]
            for split, rows in ROWS.items():
                with self.subTest(f"{loss} {split}"):
                    predicted, summary = self.predict(loss, split)
                    self.assertEqual(predicted.header[:3],
                                     ["index", "true_class", "predicted_class"])
                    self.assertEqual(predicted.names, CLASSES)
                    self.assertTrue(predicted.indices == list(range(rows)))
                    self.assertEqual(predicted.get_accuracy(), final[split]["accuracy"])
                    self.assertEqual(summary, {
                        "directory": str(place / loss), "model": "model.safetensors",
                        "split": split, "output": str(self.place / f"{loss}-{split}.csv"),
                        "rows": rows, "accuracy": final[split]["accuracy"], "loss": loss,
                        "probabilities": meaning})

    def test_true_classes_are_the_files(self):
        labels = list((place / "data/test_batch.bin").read_bytes()[::3073])
        self.assertTrue(self.predict("hinge", "test")[0].labels == labels)

    def test_predicted_classes_are_the_most_probable(self):
        for loss in LOSSES:
            predicted, _ = self.predict(loss, "test")
            for row, chosen in zip(predicted.probabilities, predicted.classes):
                self.assertTrue(all(0 <= p <= 1 for p in row), row)
                self.assertEqual(row[chosen], max(row))
                if loss != "binary_cross_entropy":
                    self.assertAlmostEqual(sum(row), 1, delta=1e-7)

    @unittest.skipIf(numpy is None, "NumPy is not installed (python3-numpy)")
    def test_numpy_agrees(self):
        content = numpy.fromfile(place / "data/test_batch.bin", numpy.uint8)
        pixels = content.reshape(-1, 3073)[:, 1:] / 255
        for loss in LOSSES:
            with self.subTest(loss):
                scores = self.compute_scores(place / loss / "model.safetensors", pixels)
                expected = numpy.exp(scores - scores.max(axis=1, keepdims=True))
                expected /= expected.sum(axis=1, keepdims=True)
                if loss == "binary_cross_entropy":
                    expected = 1 / (1 + numpy.exp(-scores))
                predicted, _ = self.predict(loss, "test")
                self.assertLess(numpy.abs(expected - predicted.probabilities).max(), 1e-5)

    @staticmethod
    def compute_scores(model, pixels):
        header, data = model_file.read(model)
        t = {name: numpy.array(model_file.get_values(header, data, name)).reshape(
            header[name]["shape"]) for name in header if name != "__metadata__"}
        x = (pixels - t["input.mean"]) / t["input.deviation"]
        hidden = numpy.maximum(x @ t["layer1.weight"] + t["layer1.bias"], 0)
        return hidden @ t["layer2.weight"] + t["layer2.bias"]


class Output(LaminaTest):
    folder = property(lambda self: place / "hinge")

    def test_text_tells_what_the_probabilities_are(self):
        path = self.place / "text.csv"
        result = succeed("predict", self.folder, "-o", path)
        accuracy = read_record(self.folder)["final"]["test"]["accuracy"]
        self.assertEqual(result.out.splitlines(), [
            f"test: 10000 rows, accuracy {100 * accuracy:.2f} %",
            f"probabilities: {LOSSES['hinge']}", f"file: {path}"])
        self.assertEqual(result.messages, [])

    def test_stdout_gets_the_same_as_a_file(self):
        path = self.place / "file.csv"
        succeed("predict", self.folder, "-o", path)
        result = succeed("predict", self.folder, "-o", "-")
        self.assertTrue(result.out == path.read_text())

    def test_another_model_of_the_folder(self):
        two = self.place / "two"
        shutil.copytree(self.folder, two)
        shutil.copy(place / "softmax_cross_entropy/model.safetensors",
                    two / "best.safetensors")
        other = json.loads(succeed("predict", two, "--model", "best.safetensors",
                                   "--json").out)
        self.assertEqual(other["model"], "best.safetensors")
        by_word = json.loads(succeed("predict", two, "--model", "best", "--json").out)
        self.assertEqual(by_word["accuracy"], other["accuracy"])
        self.assertEqual(
            other["accuracy"],
            read_record(place / "softmax_cross_entropy")["final"]["test"]["accuracy"])

    def test_nothing_else_is_written(self):
        before = take_snapshot(self.folder)
        succeed("predict", self.folder, "--json")
        self.assertEqual(take_snapshot(self.folder), before)

    def test_class_names_of_the_synthetic_set(self):
        train(self.place / "synthetic", *SMALL)
        path = self.place / "synthetic.csv"
        succeed("predict", self.place / "synthetic", "-o", path)
        self.assertEqual(predictions.read(path).names, [f"class {c}" for c in range(10)])


class Refused(LaminaTest):
    def test_split_without_rows(self):
        train(self.place / "run", *SMALL, "--set",
              "data={source: synthetic, train_files: [1], validation_count: 0, "
              "train_first: 500}")
        result = lamina("predict", self.place / "run", "--split", "validation", "--json")
        self.assert_one_message(result, USAGE, str(self.place / "run"), "validation")

    def test_place_that_cannot_be_written(self):
        for path in [self.place, self.place / "missing/p.csv"]:
            with self.subTest(path):
                result = lamina("predict", place / "hinge", "-o", path)
                self.assert_one_message(result, BAD_OUTPUT, str(path))
        self.assertFalse((self.place / "missing").exists())

    def test_missing_model(self):
        result = lamina("predict", place / "hinge", "--model", "snapshot-7", "--json")
        self.assert_one_message(result, BAD_MODEL, str(place / "hinge/snapshot-7.safetensors"))
        self.assertIn("holds", result.err)

    def test_missing_run(self):
        result = lamina("predict", self.place / "missing", "--json")
        self.assert_one_message(result, BAD_MODEL, str(self.place / "missing"))

    def test_usage(self):
        cases = [([], "DIR"), (["a", "b", "--json"], "one run"), (["a"], "-o"),
                 (["a", "-o", "-", "--json"], "--json"),
                 (["a", "-o", "b", "--split", "trial"], "trial")]
        for arguments, fragment in cases:
            with self.subTest(arguments):
                result = lamina("predict", *arguments)
                self.assertEqual(result.status, USAGE)
                self.assertIn(fragment, result.messages[0])


if __name__ == "__main__":
    unittest.main()
