# SPDX-License-Identifier: Apache-2.0
"""`lamina lr-range`: a sweep of learning rates, its table and its suggestion."""

import csv
import json
import os
import unittest

from support import BAD_OUTPUT, RECIPE, SMALL, USAGE, LaminaTest, lamina, succeed

COLUMNS = ["step", "learning_rate", "loss", "smoothed_loss"]
SHORT = ["--data", "synthetic", "--steps", "40", "--minimum", "1e-5", "--maximum", "1e-1"]


class Sweep(LaminaTest):
    def read(self, folder):
        with open(folder / "lr-range.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), COLUMNS)
        return rows

    def test_table_and_suggestion(self):
        folder = self.place / "table"
        result = succeed("lr-range", RECIPE, *SHORT, "-o", folder)
        rows = self.read(folder)
        self.assertEqual([int(row["step"]) for row in rows], list(range(len(rows))))
        self.assertIn(f"{len(rows)} steps; ", result.out)
        self.assertIn("suggested: minimum ", result.out)
        self.assertIn(f"file: {folder}/lr-range.csv", result.out)
        self.assertEqual(sorted(os.listdir(folder)), ["lr-range.csv"])
        self.assertAlmostEqual(float(rows[0]["learning_rate"]), 1e-5, delta=1e-12)
        ratios = [float(b["learning_rate"]) / float(a["learning_rate"])
                  for a, b in zip(rows, rows[1:])]
        self.assertAlmostEqual(max(ratios), min(ratios), delta=1e-5)

    def test_json(self):
        folder = self.place / "json"
        summary = json.loads(succeed("lr-range", RECIPE, *SHORT, "--json", "-o", folder).out)
        rows = self.read(folder)
        self.assertEqual(summary["steps"], len(rows))
        self.assertEqual(summary["directory"], str(folder))
        lowest = min(rows, key=lambda row: float(row["smoothed_loss"]))
        self.assertAlmostEqual(summary["lowest_loss"], float(lowest["smoothed_loss"]), delta=1e-7)
        self.assertAlmostEqual(summary["maximum"], float(lowest["learning_rate"]) / 2, delta=1e-8)
        self.assertLess(summary["minimum"], summary["maximum"])

    def test_without_o_it_goes_into_runs(self):
        succeed("lr-range", RECIPE, *SHORT, "--shape", "linear", cwd=self.place)
        rows = self.read(self.place / "runs" / "a2-fig4-lr-range")
        rates = [float(row["learning_rate"]) for row in rows]
        self.assertAlmostEqual(rates[1] - rates[0], (0.1 - 1e-5) / 39, delta=1e-8)

    def test_a_loss_that_blows_up_is_no_failure(self):
        folder = self.place / "blow-up"
        result = succeed("lr-range", RECIPE, *SHORT, "--maximum", "1e9", "-o", folder)
        self.assertIn("the loss blew up", result.out)
        self.assertLess(len(self.read(folder)), 40)

    def test_an_earlier_table_is_kept_unless_forced(self):
        folder = self.place / "kept"
        succeed("lr-range", RECIPE, *SHORT, "-o", folder)
        result = lamina("lr-range", RECIPE, *SHORT, "-o", folder)
        self.assert_one_message(result, BAD_OUTPUT, "lr-range.csv", "--force")
        succeed("lr-range", RECIPE, *SHORT, "-o", folder, "--force")

    def test_impossible_sweeps(self):
        for options, part in [(["--minimum", "0.1", "--maximum", "0.01"], "is not below"),
                              (["--minimum", "1"], "--minimum 1 is not below --maximum 1"),
                              (["--minimum", "0"], "--minimum 0"),
                              (["--maximum", "nan"], "--maximum nan"),
                              (["--steps", "1"], "a whole number from 10"),
                              (["--steps", "0"], "--steps 0"),
                              (["--shape", "square"], "legal: exponential, linear")]:
            with self.subTest(" ".join(options)):
                result = lamina("lr-range", RECIPE, *SMALL, "--set", "name=none", *options,
                                cwd=self.place)
                self.assertEqual(result.status, USAGE, result.err)
                self.assertIn(part, result.err)
                self.assertFalse((self.place / "runs" / "none-lr-range").exists())


if __name__ == "__main__":
    unittest.main()
