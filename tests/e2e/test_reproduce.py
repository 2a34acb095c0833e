# SPDX-License-Identifier: Apache-2.0
"""Published experiments done again: what is run, that a killed call goes on, and the page."""

import csv
import json
import shutil
import signal
import unittest

from support import (BAD_OUTPUT, BAD_RECIPE, INTERRUPTED, OK, SOURCE_ROOT, USAGE, LaminaTest,
                     count_complete_rows, lamina, read_record, start, succeed, take_snapshot,
                     wait_until)

MANIFEST = """
reports:
  - {name: R, file: r.txt, title: "A report | with a bar"}
slips:
  - {report: R, text: "It slipped."}
experiments:
  - name: short
    title: "A short run"
    recipe: recipe.yaml
    published:
      - {report: R, what: test accuracy, value: [0, 100]}
      - {report: R, what: test accuracy, value: 100, note: "Nobody knows."}
      - {report: R, what: test loss, value: 0.001, slip: true, note: "A slip."}
  - name: long
    title: "A longer run"
    recipe: recipe.yaml
    set: ["stop={epochs: 100}", l2=0.001]
    seeds: 1
  - name: checked
    title: "Gradients"
    kind: gradients
    recipe: recipe.yaml
    inputs: 20
    entries: 30
    published:
      - {report: R, what: mean error of weights, value: 1e-4, bound: true}
  - name: searched
    title: "A search"
    kind: search
    preset: s3
    recipe: recipe.yaml
    default: false
    published:
      - {report: R, what: best of the fine search, value: 54.3}
figures:
  - {kind: curves, of: [short, long]}
  - {kind: search, of: [searched]}
"""
RECIPE = """
data: {train_files: [1], train_first: 500, validation_count: 1000}
layers: [{type: dense, width: 12}, relu, {type: dense, width: 10}]
schedule: {type: triangular, minimum: 1e-5, maximum: 0.1, half_cycle_steps: 5}
batch: 100
stop: {epochs: 4}
measure: {every_epochs: 2}
"""


class Reproduce(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.place / "m.yaml").write_text(MANIFEST)
        (cls.place / "recipe.yaml").write_text(RECIPE)
        cls.whole = cls.place / "whole"
        cls.result = succeed(*cls.call(cls.whole, "--all", "--json"))

    @classmethod
    def call(cls, folder, *more):
        return ["reproduce", "--manifest", cls.place / "m.yaml", "--data", "synthetic", "-o",
                folder, "--seeds", "2", "--no-peer", *more]

    def read_rows(self, folder):
        with open(folder / "results.tsv", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t"))

    def test_results_are_judged(self):
        rows = self.read_rows(self.whole)
        self.assertEqual([row["verdict"] for row in rows],
                         ["agrees", "differs", "known slip", "agrees", "not judged"])
        found = json.loads((self.whole / "short/summary.json").read_text())
        mean = found["final"]["test"]["accuracy"]["mean"]
        self.assertAlmostEqual(float(rows[0]["mean"]), 100 * mean, 9)
        self.assertEqual([row["n"] for row in rows], ["2", "2", "2", "4", "1"])
        told = json.loads(self.result.out)
        self.assertEqual([part["name"] for part in told["experiments"]],
                         ["short", "long", "checked", "searched"])
        self.assertEqual([part["n"] for part in told["experiments"]][:3], [2, 1, 4])
        self.assertEqual(told["experiments"][0]["published"][1]["verdict"], "differs")

    def test_the_page_tells_all_of_it(self):
        page = (self.whole / "README.md").read_text()
        for text in ["What does not agree", "Nobody knows.", "R: It slipped.",
                     "A report \\| with a bar", "recipe.yaml --set 'stop={epochs: 100}'"]:
            self.assertIn(text, page)
        self.assertNotIn(str(self.place), page)

    def test_records_are_published_without_places(self):
        folder = self.place / "published"
        succeed(*self.call(self.whole, "--all", "--publish", folder, "--note", "Of straw."))
        self.assertIn("Of straw.", (folder / "README.md").read_text())
        for name in ["short", "long", "checked", "searched"]:
            read_record(folder / name)
        record = read_record(folder / "short")
        self.assertEqual((record["n"], record["recipe"]["batch"]), (2, 100))
        for path, content in take_snapshot(folder).items():
            self.assertNotIn(str(self.place).encode(), content, path)
        if shutil.which("gnuplot"):
            figures = sorted(path.name for path in (folder / "figures").iterdir())
            self.assertEqual(figures, ["coarse-search.svg", "published-against-ours.svg",
                                       "short-long-curves.svg"])

    def test_what_is_done_stays(self):
        before = take_snapshot(self.whole)
        told = json.loads(succeed(*self.call(self.whole, "--all", "--json")).out)
        after = take_snapshot(self.whole)
        self.assertEqual(told, json.loads(self.result.out))
        for path in before:
            if "checkpoint" not in path and not path.endswith((".db", "summary.json")):
                self.assertEqual(before[path], after[path], path)

    def test_a_killed_call_goes_on_to_the_same_numbers(self):
        folder = self.place / "killed"
        for stop in [signal.SIGKILL, signal.SIGINT]:
            process = start(*self.call(folder))
            rows = count_complete_rows(folder / "long/seed-1")
            wait_until(lambda: count_complete_rows(folder / "long/seed-1") > rows + 2, process)
            process.send_signal(stop)
            process.communicate()
        self.assertEqual(process.returncode, INTERRUPTED)
        succeed(*self.call(folder))
        for run in ["short/seed-1", "short/seed-2", "long/seed-1"]:
            self.assertEqual(read_record(folder / run)["final"],
                             read_record(self.whole / run)["final"])
        self.assertEqual([row["mean"] for row in self.read_rows(folder)],
                         [row["mean"] for row in self.read_rows(self.whole)][:4])

    def test_only_some_of_them(self):
        folder = self.place / "only"
        result = succeed(*self.call(folder, "--only", "checked", "short"))
        self.assertIn("short", result.out)
        self.assertFalse((folder / "long").exists())
        self.assertEqual(len(self.read_rows(folder)), 4)

    def test_the_list(self):
        listed = succeed(*self.call(self.place / "x", "--list")).out
        self.assertIn("* short", listed)
        self.assertIn("  searched", listed)
        self.assertFalse((self.place / "x").exists())
        listed = json.loads(succeed(*self.call(self.place / "x", "--list", "--json")).out)
        self.assertEqual([part["chosen"] for part in listed], [True, True, True, False])

    def test_what_cannot_be_done(self):
        self.assert_one_message(lamina(*self.call(self.place / "x", "--only", "none")), USAGE,
                                "`none'", "--list")
        (self.place / "bad.yaml").write_text("experiments:\n  - {name: a}\n")
        self.assert_one_message(
            lamina("reproduce", "--manifest", self.place / "bad.yaml"), BAD_RECIPE, "bad.yaml:2")
        (self.place / "file").write_text("")
        self.assert_one_message(lamina(*self.call(self.place / "file")), BAD_OUTPUT, "file")
        self.assertEqual(lamina(*self.call(self.place / "x", "--seeds", "0")).status, USAGE)
        self.assertEqual(lamina(*self.call(self.place / "x", "surplus")).status, USAGE)

    def test_the_published_ones_are_listed(self):
        result = lamina("reproduce", "--list", cwd=SOURCE_ROOT)
        self.assertEqual(result.status, OK, result.err)
        self.assertIn("* a1-config1", result.out)


if __name__ == "__main__":
    unittest.main()
