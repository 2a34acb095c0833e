# SPDX-License-Identifier: Apache-2.0
"""`lamina check-gradients` on reduced problems; test_broken_kernels.py makes it fail."""

import json
import unittest

from support import REDUCED_CHECK, USAGE, LaminaTest, devices, lamina, succeed

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


if __name__ == "__main__":
    unittest.main()
