# SPDX-License-Identifier: Apache-2.0
"""What `lamina train` writes and prints."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

from support import (BAD_DATA, BAD_OUTPUT, LAMINA, METRICS_HEADER, OK, RECIPE, RUN_FILES, SMALL,
                     LaminaTest, environment, lamina, read_metrics, read_record, succeed,
                     take_snapshot, train)

SPLITS = ["train", "validation", "test"]


class RunFiles(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.place / "run"
        train(cls.folder, *SMALL)
        cls.record = read_record(cls.folder)

    def test_files(self):
        self.assertEqual(sorted(take_snapshot(self.folder)), RUN_FILES)

    def test_record_says_what_ran_where(self):
        record = self.record
        self.assertEqual(record["status"], "finished")
        self.assertEqual(f"lamina {record['lamina']}\n", succeed("--version").out)
        self.assertEqual(record["seed"], 1)
        self.assertEqual(record["rows"], {"train": 500, "validation": 10000, "test": 10000})
        listed = json.loads(succeed("devices", "--json").out)["devices"]
        device = listed[record["device"]["index"]]
        self.assertEqual(record["device"]["name"], device["name"])
        self.assertEqual(record["device"]["driver_version"], device["driver_version"])

    def test_record_holds_the_resolved_recipe(self):
        resolved = json.loads(succeed("recipe", RECIPE, *SMALL[2:]).out)
        resolved["data"]["source"] = "synthetic"
        self.assertEqual(self.record["recipe"], resolved)

    def test_record_holds_what_came_out(self):
        record = self.record
        self.assertEqual(record["steps"], 10)
        self.assertGreater(record["seconds_per_epoch"], 0)
        self.assertAlmostEqual(record["samples_per_second"] * record["seconds_per_epoch"], 500,
                               delta=1e-3)
        self.assertEqual(sorted(record["final"]), sorted(SPLITS))
        for split in SPLITS:
            figures = record["final"][split]
            self.assertGreater(figures["loss"], 0)
            self.assertGreater(figures["cost"], figures["loss"])
            self.assertTrue(0 <= figures["accuracy"] <= 1)

    def test_metrics(self):
        lines = (self.folder / "metrics.csv").read_text().split("\n")
        self.assertEqual(lines[0], METRICS_HEADER)
        self.assertEqual(lines[-1], "")
        rows = [list(map(float, line.split(","))) for line in lines[1:-1]]
        self.assertEqual([row[0] for row in rows], [0, 10])
        self.assertEqual([row[1] for row in rows], [0, 2])
        final = self.record["final"]
        expected = [final[split][key] for split in ["train", "validation"]
                    for key in ["loss", "cost", "accuracy"]]
        for written, full in zip(rows[-1][3:], expected, strict=True):
            self.assertAlmostEqual(written, full, delta=1e-8 * abs(full))

    def test_without_validation_its_columns_are_empty(self):
        run = self.place / "alone"
        train(run, *SMALL, "--set", "data.validation_files=[]")
        for row in read_metrics(run):
            self.assertEqual(row[6:], ["", "", ""])
        self.assertEqual(sorted(read_record(run)["final"]), ["test", "train"])

    def test_measurements_come_when_the_recipe_says(self):
        cases = {"every_steps: 3": [0, 3, 6, 9, 10], "every_epochs: 1": [0, 5, 10],
                 "every_steps: 99": [0, 10]}
        for measure, steps in cases.items():
            with self.subTest(measure):
                run = self.place / measure.replace(": ", "-")
                train(run, *SMALL, "--set", f"measure={{{measure}}}")
                self.assertEqual([int(row[0]) for row in read_metrics(run)], steps)

    def test_learning_rate_column_follows_the_schedule(self):
        run = self.place / "schedule"
        train(run, *SMALL, "--set", "measure={every_steps: 1}", "--set",
              "schedule={type: triangular, minimum: 0.01, maximum: 0.05, half_cycle_steps: 4}")
        rates = [float(row[2]) for row in read_metrics(run)]
        half = [0.01, 0.02, 0.03, 0.04]
        expected = (half + [0.05] + half[:0:-1] + half[:3])[:11]
        for rate, wanted in zip(rates, expected, strict=True):
            self.assertAlmostEqual(rate, wanted, delta=1e-12)


class OutputFolder(LaminaTest):
    def test_default_is_named_after_recipe_and_seed(self):
        succeed("train", RECIPE, *SMALL, "-q", "--set", "seed=7", cwd=self.place)
        self.assertEqual(sorted(take_snapshot(self.place / "runs/a2-fig4-7")), RUN_FILES)

    def test_missing_parents_are_made(self):
        train(self.place / "a/b/c", *SMALL)
        self.assertEqual(sorted(take_snapshot(self.place / "a/b/c")), RUN_FILES)

    def test_an_earlier_run_is_refused_and_kept(self):
        run = self.place / "kept"
        train(run, *SMALL)
        before = take_snapshot(run)
        result = lamina("train", RECIPE, *SMALL, "--set", "seed=2", "-o", run)
        self.assert_one_message(result, BAD_OUTPUT, str(run), "--force", "-o")
        self.assertEqual(take_snapshot(run), before)

    def test_force_replaces_an_earlier_run(self):
        run, other = self.place / "forced", self.place / "other"
        train(run, *SMALL)
        train(other, *SMALL, "--set", "seed=2")
        (run / "notes.txt").write_text("mine")
        train(run, *SMALL, "--set", "seed=2", "--force")
        self.assertEqual(read_record(run)["seed"], 2)
        for file in ["metrics.csv", "model.safetensors"]:
            self.assertEqual((run / file).read_bytes(), (other / file).read_bytes())
        self.assertEqual((run / "notes.txt").read_text(), "mine")

    def test_force_keeps_an_earlier_run_when_nothing_can_be_trained(self):
        run = self.place / "still"
        train(run, *SMALL)
        before = take_snapshot(run)
        result = lamina("train", RECIPE, "--data", self.place / "missing", "-o", run, "--force")
        self.assert_one_message(result, BAD_DATA)
        self.assertEqual(take_snapshot(run), before)


class Streams(LaminaTest):
    def train(self, name, *options):
        return succeed("train", RECIPE, *SMALL, "-o", self.place / name, *options)

    def test_results_on_stdout_and_messages_on_stderr(self):
        result = self.train("plain")
        final = read_record(self.place / "plain")["final"]
        for split in SPLITS:
            figures = final[split]
            self.assertRegex(result.out, rf"{split} +{figures['loss']:.4f} +"
                                         rf"{figures['cost']:.4f} +"
                                         rf"{100 * figures['accuracy']:.2f} %")
        self.assertIn(str(self.place / "plain"), result.out)
        self.assertNotIn("epoch 0.00", result.out)
        self.assertNotIn("device 0:", result.out)
        self.assertTrue(result.err.startswith("device "))
        self.assertEqual(len(re.findall(r"(?m)^epoch \d+\.\d+ ", result.err)), 2)
        self.assertEqual(result.messages, [])

    def test_no_terminal_codes_in_a_file(self):
        result = self.train("codes")
        for text in [result.out, result.err]:
            self.assertGreater(text.count("\n"), 2)
            self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f]")

    def test_json(self):
        result = self.train("json", "--json")
        printed, record = json.loads(result.out), read_record(self.place / "json")
        self.assertEqual(printed["final"], record["final"])
        self.assertEqual(printed["directory"], str(self.place / "json"))
        for key in ["steps", "seconds_per_epoch", "samples_per_second"]:
            self.assertEqual(printed[key], record[key])

    def test_quiet(self):
        result = self.train("quiet", "--quiet")
        self.assertNotIn("epoch", result.err)
        self.assertIn("accuracy", result.out)


class Terminal(LaminaTest):
    """With a terminal on stderr, progress is one line that is drawn over and over."""

    COLUMNS = 80

    def run_on_terminal(self, *arguments):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, self.COLUMNS, 0, 0))
        process = subprocess.Popen([LAMINA, *map(str, arguments)], env=environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=theirs)
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says EIO when the other side is closed
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
        out = process.stdout.read().decode()
        process.stdout.close()
        return process.wait(), out, shown.decode().replace("\r\n", "\n")

    def test_progress_is_one_line(self):
        status, out, shown = self.run_on_terminal("train", RECIPE, *SMALL, "-o",
                                                  self.place / "run", "--set",
                                                  "measure={every_steps: 1}")
        self.assertEqual(status, OK)
        self.assertIn("accuracy", out)
        self.assertNotRegex(out, r"[\r\x1b]")
        lines = shown.split("\n")
        self.assertEqual(len(lines), 3, shown)  # the device, the progress, and nothing
        self.assertEqual(lines[2], "")
        drawn = lines[1].split("\r\x1b[K")
        self.assertGreaterEqual(len(drawn), 12)
        self.assertEqual(drawn[0], "")
        self.assertRegex(drawn[-1], r"epoch 2\.00 .*10/10")

    def test_the_line_fits_the_terminal(self):
        """A longer line wraps, and is then not drawn over but scrolls away."""
        shown = self.run_on_terminal("train", RECIPE, *SMALL, "-o", self.place / "fit")[2]
        drawn = shown.split("\n")[1].split("\r\x1b[K")
        self.assertGreater(len(drawn), 2)
        for line in drawn:
            self.assertLess(len(line), self.COLUMNS, line)

    def test_quiet(self):
        shown = self.run_on_terminal("train", RECIPE, *SMALL, "-q", "-o", self.place / "q")[2]
        self.assertEqual(len(shown.splitlines()), 1, shown)

    def test_a_refusal_is_not_surrounded_by_blank_lines(self):
        (self.place / "file").write_text("")
        status, _, shown = self.run_on_terminal("train", RECIPE, *SMALL, "-o",
                                                self.place / "file")
        self.assertEqual(status, BAD_OUTPUT)
        self.assertNotIn("\n\n", shown)


if __name__ == "__main__":
    unittest.main()
