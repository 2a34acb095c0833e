# SPDX-License-Identifier: Apache-2.0
"""Studies from the command line: made, worked off, killed, read, refined and merged."""

import csv
import io
import json
import os
import random
import signal
import sqlite3
import time
import unittest

from support import (BAD_RECIPE, BAD_STUDY, INTERRUPTED, OK, RECIPE, TRIALS_FAILED, USAGE,
                     LaminaTest, lamina, start, succeed, wait_until)

# 20 steps a trial, in a fraction of a second.
TINY = ["--data", "synthetic", "--set", "data.train_first=500", "--set", "layers[0].width=12",
        "--set", "schedule={type: triangular, maximum: 0.1, half_cycle_steps: 5}", "--set",
        "stop={cycles: 2}", "--set", "measure={per_cycle: 2}"]
SPACE = ["-P", "l2=log:1e-5..1e-1"]
# Kills of workers in the test of that; the more, the longer.
KILLS = int(os.environ.get("LAMINA_TEST_KILLS", "10"))


def make_study(path, *more):
    succeed("search", "new", path, RECIPE, *TINY, *(more or [*SPACE, "--trials", "6"]))
    return path


def export(path, *more):
    return succeed("search", "export", path, *more).out


def read_rows(path, *more):
    return list(csv.DictReader(io.StringIO(export(path, *more))))


def drop_seconds(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


class WholeStudy(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.study = make_study(cls.place / "study.db", *SPACE, "--trials", "6", "--seeds", "2")
        cls.result = succeed("search", "run", cls.study, "--population", "6")

    def test_every_trial_is_done(self):
        rows = read_rows(self.study)
        self.assertEqual(len(rows), 12)
        self.assertEqual({row["state"] for row in rows}, {"done"})
        self.assertEqual({row["step"] for row in rows}, {"20"})
        for row in rows:
            self.assertTrue(1e-5 <= float(row["l2"]) <= 1e-1)
            self.assertEqual(row["objective"], row["validation_accuracy"])

    def test_it_says_how_far_it_is(self):
        self.assertIn("trials 12/12", self.result.out)
        status = json.loads(succeed("search", "status", self.study, "--json", "--verify").out)
        self.assertEqual(status["trials"]["done"], 12)
        self.assertTrue(status["over"])
        text = succeed("search", "status", self.study).out
        self.assertIn("l2=log:1e-5..0.1", text)
        self.assertIn("trials 12/12", succeed("search", "watch", self.study).out)

    def test_the_best_are_ranked_with_statistics(self):
        best = json.loads(succeed("search", "best", self.study, "--json", "--top", "0").out)
        means = [rank["objective"]["mean"] for rank in best["ranks"]]
        self.assertEqual(means, sorted(means, reverse=True))
        self.assertEqual([rank["pick"] for rank in best["ranks"]], [True] + 5 * [False])
        rows = read_rows(self.study)
        for rank in best["ranks"]:
            values = [float(row["objective"]) for row in rows
                      if row["iteration"] == str(rank["configuration"] + 1)]
            self.assertEqual(rank["objective"]["n"], 2)
            self.assertAlmostEqual(rank["objective"]["mean"], sum(values) / 2, 8)
        self.assertIn("standard error", succeed("search", "best", self.study).out)

    def test_curves(self):
        rows = read_rows(self.study, "--curves")
        self.assertEqual(len(rows), 12 * 5)
        whole = json.loads(export(self.study, "--format", "json", "--curves"))
        self.assertEqual(len(whole["trials"]), 12)
        self.assertEqual([m["step"] for m in whole["trials"][0]["measurements"]],
                         [0, 5, 10, 15, 20])

    def test_any_client_reads_the_file(self):
        with sqlite3.connect(f"file:{self.study}?mode=ro", uri=True) as connection:
            done, = connection.execute(
                "SELECT count(*) FROM trial WHERE state = 'done'").fetchone()
        self.assertEqual(done, 12)

    def test_running_again_changes_nothing(self):
        before = export(self.study)
        succeed("search", "run", self.study)
        self.assertEqual(export(self.study), before)

    def test_a_refined_study_lies_within(self):
        fine = self.place / "fine.db"
        succeed("search", "refine", self.study, "-o", fine, "--within", "top:3", "--trials", "4",
                "--seeds", "1")
        best = json.loads(succeed("search", "best", self.study, "--json").out)
        top = [float(rank["values"]["l2"]) for rank in best["ranks"][:3]]
        succeed("search", "run", fine, "-q")
        for row in read_rows(fine):
            self.assertTrue(0.999 * min(top) <= float(row["l2"]) <= 1.001 * max(top))

    def test_the_pick_is_trained_into_run_folders(self):
        folder = self.place / "retrained"
        result = succeed("search", "retrain", self.study, "--seeds", "1,2", "-o", folder, "-q")
        self.assertIn("n = 2", result.out)
        best = json.loads(succeed("search", "best", self.study, "--json").out)
        record = json.loads((folder / "seed-1/run.json").read_text())
        self.assertEqual(record["recipe"]["l2"], float(best["ranks"][0]["values"]["l2"]))
        row = next(row for row in read_rows(self.study)
                   if int(row["iteration"]) == best["ranks"][0]["configuration"] + 1
                   and row["seed"] == "1")
        self.assertAlmostEqual(record["final"]["validation"]["loss"],
                               float(row["validation_loss"]), 7)


class Growing(LaminaTest):
    def test_more_trials_are_the_same_ones_and_more(self):
        few = make_study(self.place / "few.db")
        succeed("search", "run", few, "-q")
        first = drop_seconds(read_rows(few))
        succeed("search", "new", few, RECIPE, *TINY, *SPACE, "--trials", "6")
        succeed("search", "run", few, "-q", "--trials", "9")
        succeed("search", "run", few, "-q", "--seeds", "2")
        rows = drop_seconds(read_rows(few))
        self.assertEqual(len(rows), 18)
        self.assertEqual([row for row in rows if row["seed"] == "1"][:6], first)

    def test_populations_do_not_matter(self):
        tables = []
        for population in ["1", "4"]:
            study = make_study(self.place / f"p{population}.db")
            succeed("search", "run", study, "-q", "--population", population)
            tables.append(drop_seconds(read_rows(study)))
        self.assertEqual(tables[0], tables[1])

    def test_grids_and_conditions(self):
        study = make_study(self.place / "grid.db", "-P", "optimizer.type=grid:sgd,momentum",
                           "-P", "optimizer.momentum=grid:0.5,0.9 if optimizer.type=momentum",
                           "--sampler", "grid")
        succeed("search", "run", study, "-q")
        points = [(row["optimizer.type"], row["optimizer.momentum"])
                  for row in read_rows(study)]
        self.assertEqual(points, [("sgd", ""), ("momentum", "0.5"), ("momentum", "0.9")])


class Killing(LaminaTest):
    def test_nothing_is_lost_and_nothing_done_twice(self):
        calm = make_study(self.place / "calm.db", *SPACE, "--trials", "12", "--seeds", "2")
        succeed("search", "run", calm, "-q", "--population", "4")
        study = make_study(self.place / "killed.db", *SPACE, "--trials", "12", "--seeds", "2")
        dice = random.Random(7)
        for _ in range(KILLS):
            worker = start("search", "run", study, "-q", "--population", "4")
            time.sleep(dice.uniform(0.1, 1.5))
            worker.kill()
            worker.communicate()
        succeed("search", "resume", study, "-q", "--population", "4")
        self.assertEqual(drop_seconds(read_rows(study)), drop_seconds(read_rows(calm)))
        self.assertEqual(drop_seconds(read_rows(study, "--curves")),
                         drop_seconds(read_rows(calm, "--curves")))
        succeed("search", "status", study, "--verify")

    def test_interrupting_gives_trials_back(self):
        study = make_study(self.place / "interrupted.db", *SPACE, "--trials", "3", "--set",
                           "stop={cycles: 400000}")
        worker = start("search", "run", study, "-q", "--population", "3")
        wait_until(lambda: '"running": 3' in succeed("search", "status", study, "--json").out,
                   worker)
        worker.send_signal(signal.SIGINT)
        _, messages = worker.communicate(timeout=30)
        self.assertEqual(worker.returncode, INTERRUPTED, messages)
        self.assertIn("lamina search resume", messages)
        status = json.loads(succeed("search", "status", study, "--json").out)
        self.assertEqual(status["workers"], 0)

    def test_several_workers_share_a_study(self):
        study = make_study(self.place / "shared.db", *SPACE, "--trials", "12", "--seeds", "2")
        workers = [start("search", "run", study, "-q", "--population", "2") for _ in range(3)]
        for worker in workers:
            _, messages = worker.communicate(timeout=300)
            self.assertEqual(worker.returncode, OK, messages)
        rows = read_rows(study)
        self.assertEqual(len(rows), 24)
        self.assertEqual({row["state"] for row in rows}, {"done"})


class Errors(LaminaTest):
    def expect(self, status, *arguments):
        result = lamina("search", *arguments)
        self.assertEqual(result.status, status, result.err)
        lines = [line for line in result.messages if "Try `" not in line]
        self.assertEqual(len(lines), 1, result.err)
        return lines[0]

    def test_no_study(self):
        self.assertIn("lamina search new", self.expect(BAD_STUDY, "run", self.place / "none.db"))

    def test_not_a_study(self):
        path = self.place / "text.db"
        path.write_text("no database at all, but long enough to look at\n" * 40)
        self.assertIn("text.db", self.expect(BAD_STUDY, "status", path))

    def test_another_recipe(self):
        study = make_study(self.place / "other.db")
        message = self.expect(BAD_STUDY, "new", study, RECIPE, *TINY, "--set", "batch=50",
                              *SPACE)
        self.assertIn("other.db", message)

    def test_newer_version(self):
        study = make_study(self.place / "newer.db")
        with sqlite3.connect(study) as connection:
            connection.execute("PRAGMA user_version = 999")
        self.assertIn("999", self.expect(BAD_STUDY, "run", study))

    def test_impossible_values(self):
        for status, space in [(USAGE, "l2=log:0..1"), (USAGE, "l2=lag:1..2"), (USAGE, "l2"),
                              (BAD_RECIPE, "l3=log:1e-5..1"), (BAD_RECIPE, "batch=grid:-1")]:
            message = self.expect(status, "new", self.place / "bad.db", RECIPE, *TINY, "-P",
                                  space)
            self.assertIn(space.split("=")[0], message)

    def test_no_validation_rows(self):
        self.expect(BAD_RECIPE, "new", self.place / "bare.db", RECIPE, *SPACE, "--set",
                    "data={train_files: [1]}")

    def test_failures_are_told_and_retried(self):
        study = make_study(self.place / "failing.db", "-P", "layers[0].width=grid:65536,8",
                           "--sampler", "grid", "--set", "layers[0].width=65536", "--set",
                           "layers=[{type: dense, width: 8}, relu, {type: dense, width: 65536}, "
                           "relu, {type: dense, width: 10}]")
        result = lamina("search", "run", study, "-q", "--fail-fast")
        self.assertEqual(result.status, TRIALS_FAILED, result.err)
        self.assertIn("lamina search retry", result.err)
        succeed("search", "run", study, "-q")
        states = [row["state"] for row in read_rows(study)]
        self.assertEqual(states, ["failed", "done"])
        self.assertIn("1 trial waits", succeed("search", "retry", study).out)

    def test_usage(self):
        for arguments in [[], ["nothing"], ["run"], ["new", "a.db"],
                          ["new", "a.db", RECIPE], ["merge", "a.db"], ["refine", "a.db"]]:
            self.assertEqual(lamina("search", *arguments).status, USAGE, arguments)
        for command in ["new", "run", "resume", "status", "watch", "best", "refine", "retry",
                        "retrain", "merge", "export", "bench"]:
            self.assertIn("xample", succeed("search", command, "--help").out)


class Speeds(LaminaTest):
    def test_models_per_second_against_networks_side_by_side(self):
        found = json.loads(succeed("search", "bench", RECIPE, *TINY, "--most", "4",
                                   "--json").out)
        self.assertEqual([size["members"] for size in found["sizes"]], [1, 2, 4])
        self.assertTrue(all(size["models_per_second"] > 0 for size in found["sizes"]))
        self.assertIn(found["knee"], [1, 2, 4])
        self.assertTrue(found["device"])
        self.assertIn("recipe", found)


if __name__ == "__main__":
    unittest.main()
