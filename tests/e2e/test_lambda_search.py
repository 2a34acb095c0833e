# SPDX-License-Identifier: Apache-2.0
"""The lambda search as one command: searches, tables, the final training, and going on."""

import csv
import json
import unittest

from support import (RECIPE, USAGE, LaminaTest, lamina, start, succeed)

TINY = ["--data", "synthetic", "--set", "data.train_first=500", "--set", "layers[0].width=12",
        "--set", "schedule={type: triangular, maximum: 0.1, half_cycle_steps: 5}", "--set",
        "stop={cycles: 2}", "--set", "measure={per_cycle: 1}", "--final",
        "schedule.half_cycle_steps=5", "--final", "data.validation_count=1000"]


def search(folder, *more):
    return ["lambda-search", RECIPE, *TINY, "-q", "-o", folder, *more]


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


class LambdaSearch(LaminaTest):
    def test_the_whole_procedure(self):
        folder = self.place / "whole"
        result = succeed(*search(folder, "--trials", "4", "--seeds", "2", "--final-seeds", "2",
                                 "--device", "all"))
        coarse, fine = read_table(folder / "coarse.tsv"), read_table(folder / "fine.tsv")
        self.assertEqual((len(coarse), len(fine)), (8, 8))
        for text in ["coarse search", "fine search", "final training: l2=", "n = 2"]:
            self.assertIn(text, result.out)
        summary = json.loads((folder / "final/summary.json").read_text())
        self.assertEqual(summary["final"]["test"]["accuracy"]["n"], 2)
        l2 = json.loads((folder / "final/seed-1/run.json").read_text())["recipe"]["l2"]
        means = {}
        for row in coarse + fine:
            means.setdefault(float(row["l2"]), []).append(float(row["objective"]))
        means = {key: sum(values) / len(values) for key, values in means.items()}
        self.assertAlmostEqual(means[l2], max(means.values()), 12)

    def test_s0_narrows_to_the_best_two(self):
        folder = self.place / "s0"
        succeed(*search(folder, "--preset", "s0", "--final-seeds", "0"))
        coarse, fine = read_table(folder / "coarse.tsv"), read_table(folder / "fine.tsv")
        self.assertEqual((len(coarse), len(fine)), (10, 10))
        ranked = sorted(coarse, key=lambda row: -float(row["objective"]))
        best = [float(row["l2"]) for row in ranked[:2]]
        for row in fine:
            self.assertTrue(min(best) - 1.001e-4 <= float(row["l2"]) <= max(best) + 1.001e-4)
        self.assertFalse((folder / "final").exists())

    def test_json_holds_all_of_it(self):
        folder = self.place / "json"
        found = json.loads(succeed(*search(folder, "--trials", "2", "--seeds", "1",
                                           "--final-seeds", "1", "--json")).out)
        self.assertEqual([stage["name"] for stage in found["searches"]], ["coarse", "fine"])
        l2 = json.loads((folder / "final/seed-1/run.json").read_text())["recipe"]["l2"]
        picks = [stage["pick"] for stage in found["searches"]]
        self.assertEqual(l2, float(max(picks, key=lambda pick: pick["mean"])["l2"]))
        self.assertEqual(found["final"]["n"], 1)

    def test_s3_is_two_grids(self):
        folder = self.place / "s3"
        succeed(*search(folder, "--preset", "s3", "--final-seeds", "0"))
        self.assertEqual([float(row["l2"]) for row in read_table(folder / "fine.tsv")],
                         [.0051, .0063, .0069, .0094, .0134, .0154])

    def test_a_killed_search_goes_on_to_the_same_tables(self):
        calm, killed = self.place / "calm", self.place / "killed"
        more = ["--trials", "3", "--seeds", "1", "--final-seeds", "1"]
        expected = succeed(*search(calm, *more)).out.replace(str(calm), str(killed))
        for seconds in [0.5, 1.5, 3]:
            process = start(*search(killed, *more))
            try:
                process.wait(timeout=seconds)
            except Exception:  # still at work
                process.kill()
            process.communicate()
        self.assertEqual(succeed(*search(killed, *more)).out, expected)

    def test_usage(self):
        for arguments in [["--preset", "s9"], ["--final-seeds", "-1"], ["--trials", "0"]]:
            self.assertEqual(lamina(*search(self.place / "u", *arguments)).status, USAGE)
        self.assertIn("Examples", succeed("lambda-search", "--help").out)


if __name__ == "__main__":
    unittest.main()
