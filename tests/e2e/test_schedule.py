# SPDX-License-Identifier: Apache-2.0
"""`lamina schedule`: the table of a recipe's learning rates."""

import csv
import io
import json
import unittest

from support import BAD_RECIPE, RECIPE, USAGE, LaminaTest, lamina, succeed

COLUMNS = ["step", "epoch", "cycle", "learning_rate"]
NO_CYCLES = ["--set", "stop={epochs: 2}", "--set", "measure={every_epochs: 1}"]


class Table(LaminaTest):
    def tabulate(self, *arguments):
        result = succeed("schedule", RECIPE, *arguments)
        self.assertEqual(result.err, "")
        rows = list(csv.DictReader(io.StringIO(result.out)))
        self.assertEqual(list(rows[0]), COLUMNS)
        return rows

    def test_a_row_for_each_step_and_the_end(self):
        rows = self.tabulate()
        self.assertEqual([int(row["step"]) for row in rows], list(range(4801)))
        for row in rows:
            step = int(row["step"])
            within = step % 1600
            height = (within if within <= 800 else 1600 - within) / 800
            self.assertEqual(int(row["cycle"]), step // 1600)
            self.assertAlmostEqual(float(row["epoch"]), step / 100, delta=1e-6)
            self.assertAlmostEqual(float(row["learning_rate"]), 1e-5 + height * (0.1 - 1e-5),
                                   delta=1e-9)

    def test_rows_are_as_far_apart_as_asked_for(self):
        self.assertEqual([row["step"] for row in self.tabulate("--every", "2000")],
                         ["0", "2000", "4000", "4800"])
        self.assertEqual([row["step"] for row in self.tabulate("--every", "1600")],
                         ["0", "1600", "3200", "4800"])
        for every in ["4800", "4801", "9223372036854775807"]:
            self.assertEqual([row["step"] for row in self.tabulate("--every", every)],
                             ["0", "4800"])

    def test_cycles_that_grow(self):
        rows = self.tabulate("--set", "schedule.cycle_growth=2", "--every", "800")
        self.assertEqual([int(row["cycle"]) for row in rows],
                         [0, 0] + [1] * 4 + [2] * 8 + [3])
        self.assertEqual(rows[-1]["step"], "11200")
        peaks = [row["step"] for row in rows if row["learning_rate"] == "0.1"]
        self.assertEqual(peaks, ["800", "3200", "8000"])

    def test_without_cycles_the_column_is_empty(self):
        schedule = "schedule={type: step, rate: 0.5, factor: 0.5, every_epochs: 1}"
        rows = self.tabulate("--set", schedule, *NO_CYCLES, "--every", "50")
        self.assertEqual([row["learning_rate"] for row in rows],
                         ["0.5", "0.5", "0.25", "0.25", "0.125"])
        self.assertEqual({row["cycle"] for row in rows}, {""})

    def test_json(self):
        for overrides in [[], ["--set", "schedule={type: cosine, rate: 0.1}", *NO_CYCLES]]:
            result = succeed("schedule", RECIPE, "--json", "--every", "100", *overrides)
            table = json.loads(result.out)
            self.assertEqual(table["steps_per_epoch"], 100)
            self.assertEqual(table["total_steps"], table["rows"][-1]["step"])
            rows = self.tabulate("--every", "100", *overrides)
            self.assertEqual(len(rows), len(table["rows"]))
            for row, same in zip(rows, table["rows"]):
                self.assertEqual(list(same), COLUMNS)
                self.assertEqual(int(row["step"]), same["step"])
                self.assertEqual(row["cycle"], "" if same["cycle"] is None else
                                 str(same["cycle"]))
                self.assertAlmostEqual(float(row["learning_rate"]), same["learning_rate"],
                                       delta=1e-9)

    def test_no_device_and_no_data_are_needed(self):
        succeed("schedule", RECIPE, "--every", "100",
                env={"OCL_ICD_VENDORS": "/nonexistent-empty-dir", "LAMINA_DATA": "/nowhere"})

    def test_a_plateau_is_said_to_be_unknown(self):
        result = succeed("schedule", RECIPE, "--every", "100", *NO_CYCLES, "--set",
                         "schedule={type: plateau, rate: 0.1, patience: 2}")
        self.assertIn("plateau", result.err)
        self.assertIn("200,2,,0.1", result.out)

    def test_a_table_without_end_is_refused(self):
        many = ["--set", "stop.cycles=1000000000", "--set", "schedule.half_cycle_steps=1000000000"]
        result = lamina("schedule", RECIPE, *many)
        self.assert_one_message(result, USAGE, "2000000000000000000", "--every 2000000000001")
        self.assertEqual(result.out, "")
        rows = self.tabulate(*many, "--every", "500000000000000000")
        self.assertEqual(rows[-1]["step"], "2000000000000000000")
        self.assertEqual(len(rows), 5)
        result = lamina("schedule", RECIPE, *many, "--set", "schedule.cycle_growth=1.5")
        self.assert_one_message(result, BAD_RECIPE, "stop", "out of range")


if __name__ == "__main__":
    unittest.main()
