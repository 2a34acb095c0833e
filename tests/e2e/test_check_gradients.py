# SPDX-License-Identifier: Apache-2.0
"""`lamina check-gradients` on reduced problems; test_broken_kernels.py makes it fail."""

import json
import os
import unittest

import model_file
from support import (BAD_OUTPUT, REDUCED_CHECK, USAGE, LaminaTest, devices, lamina, succeed,
                     take_snapshot)

TENSORS = ["layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias"]
CELLS = [("first", 20, 42), ("random", 20, 42), ("first", 20, 400), ("random", 20, 400)]


def check(*options):
    return json.loads(succeed(*REDUCED_CHECK, "--json", *options).out)


class Passing(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.json = check()

    def test_default_is_the_published_matrix(self):
        self.assertEqual([(cell["samples"], cell["count"], cell["seed"])
                          for cell in self.json["checks"]], CELLS)

    def test_json_holds_every_tensor(self):
        self.assertIs(self.json["passed"], True)
        for cell in self.json["checks"]:
            self.assertEqual([row["tensor"] for row in cell["tensors"]], TENSORS)
            for row in cell["tensors"]:
                self.assertIs(row["passed"], True)
                self.assertEqual(row["checked"], min(30, row["entries"]))
                self.assertLessEqual(row["centred"]["norm_relative"], 1e-7)
                self.assertLessEqual(row["forward"]["norm_relative"], 1e-2)
                self.assertLessEqual(row["centred"]["mean_abs"], row["centred"]["max_abs"])
                self.assertLessEqual(abs(row["centred"]["signed_mean"]),
                                     row["centred"]["mean_abs"])
                # Differences of exactly 0 would mean that nothing was compared.
                self.assertGreater(row["forward"]["max_abs"], 0)

    def test_text_tells_the_same(self):
        result = succeed(*REDUCED_CHECK)
        for samples, count, seed in CELLS:
            self.assertIn(f"{samples} {count} samples, seed {seed}, double precision\n",
                          result.out)
        self.assertEqual(result.out.count(" ok\n"), 16)
        self.assertNotIn("FAIL", result.out)
        self.assertEqual(result.messages, [])

    def test_seeds_and_samples_make_a_difference(self):
        texts = {json.dumps(cell["tensors"]) for cell in self.json["checks"]}
        self.assertEqual(len(texts), 4)

    def test_the_same_again(self):
        self.assertEqual(check(), self.json)


class Options(LaminaTest):
    def test_one_cell(self):
        cells = check("--samples", "random:3", "--seed", "7")["checks"]
        self.assertEqual([(cell["samples"], cell["count"], cell["seed"]) for cell in cells],
                         [("random", 3, 7)])

    def test_all_entries(self):
        (cell,) = check("--samples", "first:5", "--seed", "1", "--inputs", "4", "--entries",
                        "all")["checks"]
        self.assertEqual({row["tensor"]: row["checked"] for row in cell["tensors"]},
                         {"layer1.weight": 200, "layer1.bias": 50, "layer2.weight": 500,
                          "layer2.bias": 10})

    def test_float(self):
        result = succeed(*REDUCED_CHECK, "--samples", "first:5", "--seed", "1", "--precision",
                         "float")
        self.assertIn("float precision", result.out)

    def test_other_networks(self):
        layers = {"linear": "[{type: dense, width: 10}]",
                  "sigmoid": "[{type: dense, width: 7}, sigmoid, {type: dense, width: 10}]",
                  "deep": "[{type: dense, width: 9}, relu, {type: dense, width: 8}, sigmoid, "
                          "{type: dense, width: 10}]"}
        for name, value in layers.items():
            with self.subTest(name):
                result = check("--samples", "first:5", "--seed", "1", "--set",
                               f"layers={value}")
                self.assertIs(result["passed"], True)

    def test_whoever_multiplies(self):
        for gemm in ["registers", "tiles", "clblast"]:
            with self.subTest(gemm):
                result = check("--samples", "first:5", "--seed", "1", "--gemm", gemm)
                self.assertIs(result["passed"], True)

    def test_a_wild_step_fails(self):
        """The verdict depends on the numbers: with h = 1 the differences are far off."""
        result = lamina(*REDUCED_CHECK, "--samples", "first:5", "--seed", "1", "--step", "1")
        self.assertEqual(result.status, 1)
        self.assertIn("FAIL", result.out)
        self.assertEqual(len(result.messages), 1)

    def test_more_samples_than_rows(self):
        result = lamina(*REDUCED_CHECK, "--samples", "first:10001")
        self.assert_one_message(result, USAGE, "10001", "10000")

    def test_precision_is_that_of_the_device(self):
        if not any(device["fp64"] for device in devices()):
            self.skipTest("no device has double precision")
        self.assertIn("double precision",
                      succeed(*REDUCED_CHECK, "--samples", "first:2", "--seed", "1").out)


class Saved(LaminaTest):
    """What the numbers are worth, test_autograd.py tells."""

    ONE = ["--samples", "first:4", "--seed", "1"]
    LAYERS = ["--set", "layers=[{type: dense, width: 7}, batch_norm, relu, "
              "{type: dropout, rate: 0.2}, {type: dense, width: 10}]"]
    SHAPES = {"inputs": [4, 20], "labels": [4], "loss": [1], "cost": [1],
              "layer1.weight": [20, 7], "layer1.bias": [7], "layer1.batch_norm.gamma": [7],
              "layer1.batch_norm.beta": [7], "layer1.dropout.factors": [4, 7],
              "layer2.weight": [7, 10], "layer2.bias": [10]}

    def save(self, name, *options):
        path = self.place / name
        result = succeed(*REDUCED_CHECK, *self.ONE, *self.LAYERS, "--save", path, *options)
        return (result, *model_file.read(path))

    def test_names_types_and_shapes(self):
        _, header, data = self.save("named.safetensors")
        metadata = header.pop("__metadata__")
        shapes = {**self.SHAPES, **{f"gradient.{name}": shape for name, shape
                                    in self.SHAPES.items()
                                    if name.startswith("layer") and "dropout" not in name}}
        self.assertEqual({name: entry["shape"] for name, entry in header.items()}, shapes)
        self.assertEqual({entry["dtype"] for entry in header.values()}, {"F64"})
        self.assertEqual(json.loads(metadata["recipe"])["layers"][3],
                         {"type": "dropout", "rate": 0.2})
        for label in model_file.get_values(header, data, "labels"):
            self.assertIn(label, range(10))
        factors = set(model_file.get_values(header, data, "layer1.dropout.factors"))
        self.assertEqual(factors, {0, 1.25})

    def test_saving_changes_no_figure(self):
        result, _, _ = self.save("beside.safetensors", "--json")
        plain = succeed(*REDUCED_CHECK, *self.ONE, *self.LAYERS, "--json")
        self.assertEqual(result.out, plain.out)

    def test_the_same_again(self):
        self.assertEqual(self.save("a.safetensors")[1:], self.save("b.safetensors")[1:])

    def test_float_is_rounded(self):
        if not any(device["fp64"] for device in devices()):
            self.skipTest("no device has double precision")
        _, header, in_double = self.save("double.safetensors")
        _, _, in_float = self.save("float.safetensors", "--precision", "float")
        name = "gradient.layer2.weight"
        pairs = list(zip(model_file.get_values(header, in_double, name),
                         model_file.get_values(header, in_float, name)))
        self.assertNotEqual(*zip(*pairs))
        for of_double, of_float in pairs:
            self.assertAlmostEqual(of_double, of_float, delta=1e-5)

    def test_one_check_at_a_time(self):
        path = self.place / "several.safetensors"
        for options in [[], ["--seed", "1"], ["--samples", "first:4"],
                        [*self.ONE, "--seed", "2"]]:
            with self.subTest(options):
                result = lamina(*REDUCED_CHECK, *options, "--save", path)
                self.assertEqual(result.status, USAGE)
                self.assertIn("--samples and --seed once each", result.err)
        self.assertFalse(path.exists())

    def test_places_that_cannot_be_written(self):
        """Before any work, and leaving all as it was."""
        folder = self.place / "folder"
        folder.mkdir()
        (self.place / "file").write_text("kept")
        os.mkfifo(self.place / "pipe")
        before = take_snapshot(self.place)
        for path in [folder, self.place / "missing/file", self.place / "file/file",
                     self.place / "pipe"]:
            with self.subTest(path):
                result = lamina(*REDUCED_CHECK, *self.ONE, "--save", path)
                self.assert_one_message(result, BAD_OUTPUT, str(path), "--save")
        self.assertEqual(take_snapshot(self.place), before)

    def test_nothing_is_left_of_a_failed_check(self):
        path = self.place / "failed.safetensors"
        path.write_text("kept")
        result = lamina(*REDUCED_CHECK, "--samples", "first:10001", "--seed", "1", "--save", path)
        self.assert_one_message(result, USAGE, "10001")
        self.assertEqual(path.read_text(), "kept")


if __name__ == "__main__":
    unittest.main()
