# SPDX-License-Identifier: Apache-2.0
"""Networks over several seeds: their folders, the summary, and going on after a kill."""

import json
import math
import signal
import unittest

from support import (BAD_RECIPE, DIVERGED, LEARNING, OK, RECIPE, RUN_FILES, SMALL, USAGE,
                     LaminaTest, count_complete_rows, lamina, read_record, start, succeed,
                     take_snapshot, wait_until)

# Student's t for 95 % and 3 degrees of freedom.
T_3 = 3.182446305284263
ENDLESS = ["--data", "synthetic", "--set", "data.train_first=500", "--set",
           "measure={every_epochs: 10}"]


def get_train(folder, *more):
    return ["train", RECIPE, "-q", "-o", folder, *more]


class Summary(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.place / "set"
        cls.result = succeed(*get_train(cls.folder, *LEARNING, "--seeds", "1..3,7"))
        cls.summary = json.loads((cls.folder / "summary.json").read_text())

    def test_files(self):
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         ["seed-1", "seed-2", "seed-3", "seed-7", "summary.json"])
        for seed in [1, 2, 3, 7]:
            run = self.folder / f"seed-{seed}"
            self.assertEqual(sorted(path.name for path in run.iterdir()), RUN_FILES)
            self.assertEqual(read_record(run)["seed"], seed)
            self.assertEqual(read_record(run)["recipe"]["seed"], 1)

    def test_statistics_are_those_of_the_runs(self):
        for kind in ["final", "best"]:
            for split in ["train", "validation", "test"]:
                for number in ["loss", "cost", "accuracy"]:
                    values = [read_record(self.folder / f"seed-{seed}")[kind][split][number]
                              for seed in [1, 2, 3, 7]]
                    mean = sum(values) / 4
                    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / 3)
                    given = self.summary[kind][split][number]
                    self.assertEqual(given["n"], 4)
                    self.assertAlmostEqual(given["mean"], mean, 12)
                    self.assertAlmostEqual(given["deviation"], deviation, 12)
                    self.assertAlmostEqual(given["half_width"], T_3 * deviation / 2, 11)

    def test_table(self):
        for text in ["seed 1 ", "seed 7 ", "mean", "deviation", "95 % interval", "n = 4"]:
            self.assertIn(text, self.result.out)
        mean = self.summary["final"]["test"]["accuracy"]["mean"]
        self.assertIn(f"{100 * mean:.2f} %", self.result.out)

    def test_each_run_is_complete(self):
        record = read_record(self.folder / "seed-3")
        for model, kind in [("last", "final"), ("best", "best")]:
            out = json.loads(succeed("evaluate", self.folder / "seed-3", "--model", model,
                                     "--json").out)
            self.assertEqual(out, {split: record[kind][split]
                                   for split in ["train", "validation", "test"]})

    def test_resuming_changes_nothing(self):
        before = take_snapshot(self.folder)
        out = succeed(*get_train(self.folder, *LEARNING, "--seeds", "1..3,7", "--resume",
                                 "--json")).out
        self.assertEqual(take_snapshot(self.folder), before)
        self.assertEqual(json.loads(out), self.summary)

    def test_another_recipe_is_refused(self):
        result = lamina(*get_train(self.folder, *LEARNING, "--seeds", "1,2", "--resume",
                                   "--set", "l2=0.25"))
        self.assert_one_message(result, BAD_RECIPE, "another recipe")

    def test_a_seed_is_the_plain_run(self):
        run = self.place / "plain"
        succeed(*get_train(run, *LEARNING))
        for file in ["metrics.csv", "model.safetensors", "best.safetensors"]:
            self.assertEqual((run / file).read_bytes(),
                             (self.folder / "seed-1" / file).read_bytes(), file)


class CommandLine(LaminaTest):
    def test_lists_that_are_none(self):
        for text in ["", "x", "1,", "3..1", "1..", "1..5,3", "1;2", "-1", "1..100000", "1 2"]:
            with self.subTest(text):
                result = lamina(*get_train(self.place / "none", *SMALL, "--seeds", text))
                self.assertEqual(result.status, USAGE, result.err)
                self.assertIn("--seeds", result.err)
        self.assertFalse((self.place / "none").exists())

    def test_vary(self):
        run = ["--seeds", "1,2", "--vary"]
        self.assertEqual(lamina(*get_train("x", *SMALL, *run, "all")).status, USAGE)
        self.assertEqual(lamina(*get_train("x", *SMALL, "--vary", "order")).status, USAGE)
        succeed(*get_train(self.place / "order", *SMALL, *run, "order"))
        succeed(*get_train(self.place / "plain", *SMALL, "--set", "seed=2"))
        for file in ["metrics.csv", "model.safetensors"]:
            self.assertEqual((self.place / "plain" / file).read_bytes(),
                             (self.place / "order/seed-2" / file).read_bytes(), file)

    def test_progress_tells_of_the_models(self):
        result = succeed("train", RECIPE, "-o", self.place / "progress", *SMALL, "--seeds",
                         "1..3")
        self.assertIn("models 1-3/3  epoch 2.00", result.err)


class Replaced(LaminaTest):
    def test_force_removes_runs_of_other_seeds(self):
        folder = self.place / "set"
        few = [*get_train(folder, *SMALL), "--seeds"]
        succeed(*few, "1..4")
        for name in ["seed-9", "seed-07", "notes"]:
            (folder / name).mkdir()
            (folder / name / "mine.txt").write_text("keep me")
        (folder / "seed-3" / "mine.txt").write_text("keep me")
        succeed(*few, "1,2", "--force")
        self.assertEqual(sorted(path.name for path in folder.iterdir()),
                         ["notes", "seed-07", "seed-1", "seed-2", "seed-3", "seed-9",
                          "summary.json"])
        self.assertEqual([path.name for path in (folder / "seed-3").iterdir()], ["mine.txt"])
        self.assertEqual(len(json.loads((folder / "summary.json").read_text())["seeds"]), 2)


class Diverging(LaminaTest):
    def test_all(self):
        folder = self.place / "all"
        result = lamina(*get_train(folder, *SMALL, "--seeds", "1,2", "--set",
                                   "schedule={type: constant, rate: 1000}", "--set", "l2=1",
                                   "--set", "measure={every_epochs: 1}"))
        self.assertEqual(result.status, DIVERGED, result.err)
        self.assertIn("all 2 networks diverged", result.err)
        for seed in [1, 2]:
            record = read_record(folder / f"seed-{seed}")
            self.assertEqual(record["status"], "diverged")
            self.assertIn("the loss of step", record["message"])
        self.assertEqual(json.loads((folder / "summary.json").read_text())["n"], 0)


class AfterKill(LaminaTest):
    """A set that is killed, once before and once after a checkpoint, ends in the same bytes."""

    def measure_seconds(self, name):
        """What 50 epochs take, measurements included."""
        run = self.place / name
        succeed(*get_train(run, *ENDLESS, "--set", "stop={epochs: 50}", "--seeds", "1..3"))
        return read_record(run / "seed-1")["seconds_total"]

    def test_same_bytes(self):
        seconds = min(self.measure_seconds(f"speed-{i}") for i in range(3))
        epochs = max(6, round(11 / seconds * 5)) * 10
        options = [*ENDLESS, "--set", f"stop={{epochs: {epochs}}}", "--seeds", "1..3"]
        whole, run = self.place / "whole", self.place / "run"
        succeed(*get_train(whole, *options))
        for condition in [lambda: count_complete_rows(run / "seed-3") >= 3,
                          lambda: (run / "checkpoint.safetensors").exists()]:
            process = start(*get_train(run, *options, "--resume"))
            wait_until(condition, process)
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            self.assertFalse((run / "summary.json").exists())
        result = lamina(*get_train(run, *options, "--resume"))
        self.assertEqual(result.status, OK, result.err)
        files, expected = take_snapshot(run), take_snapshot(whole)
        self.assertEqual(sorted(files), sorted(expected))
        for name, content in files.items():
            if not name.endswith("run.json"):
                self.assertEqual(content, expected[name], name)


if __name__ == "__main__":
    unittest.main()
