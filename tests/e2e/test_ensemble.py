# SPDX-License-Identifier: Apache-2.0
"""`lamina ensemble`: votes and means worked out once more from what its members predict."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

import predictions
from support import (BAD_DATA, BAD_MODEL, BAD_OUTPUT, RECIPE, SMALL, USAGE, LaminaTest, lamina,
                     make_learnable_file, read_record, succeed)

TRAINING = ["--set", "data.train_first=600", "--set", "data.validation_count=400",
            "--set", "schedule={type: constant, rate: 0.01}",
            "--set", "measure={every_epochs: 4}", "--set", "stop={epochs: 4}"]
RUNS = ["first", "second", "third", "fourth"]


def train(folder, *arguments, data="data"):
    succeed("train", RECIPE, "--data", place / data, "-o", folder, "-q", *TRAINING, *arguments)


def setUpModule():
    """Networks that differ, on one data folder."""
    global place, runs
    place = Path(tempfile.mkdtemp(prefix="lamina-e2e-"))
    unittest.addModuleCleanup(shutil.rmtree, place, ignore_errors=True)
    (place / "data").mkdir()
    make_learnable_file(place / "data/data_batch_1.bin", seed=2)
    make_learnable_file(place / "data/test_batch.bin", seed=3)
    runs = [place / name for name in RUNS]
    train(runs[0])
    train(runs[1], "--set", "seed=2", "--set", "layers[0].width=20")
    train(runs[2], "--set", "seed=3", "--set", "loss=hinge")
    train(runs[3], "--set", "seed=4", "--set", "loss=binary_cross_entropy")


def ask(*arguments):
    return json.loads(succeed("ensemble", *arguments, "--json").out)


def choose(votes, means):
    """Most votes, then the greatest mean, then the first class."""
    return max(range(10), key=lambda c: (votes.count(c), means[c], -c))


class Recomputed(LaminaTest):
    """Two members tie whenever they disagree; three and four do so at times. Long lists are
    compared without assertEqual(), which would look for their differences for minutes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alone = {}
        for split in ["validation", "test"]:
            for run in runs:
                path = cls.place / f"{run.name}-{split}.csv"
                succeed("predict", run, "--split", split, "-o", path)
                cls.alone[run, split] = predictions.read(path)

    def combine(self, members, split):
        alone = [self.alone[run, split] for run in members]
        means = [[sum(p) / len(members) for p in zip(*rows)]
                 for rows in zip(*(one.probabilities for one in alone))]
        votes = [choose(row, mean) for row, mean in zip(zip(*(one.classes for one in alone)),
                                                        means)]
        return means, [predictions.find_greatest(mean) for mean in means], votes

    def test_accuracies(self):
        for members in [runs[:2], runs[:3], runs, [runs[2], runs[0]]]:
            with self.subTest([run.name for run in members]):
                together = ask(*members)
                self.assertEqual(together["rows"], {"validation": 400, "test": 10000})
                for split in ["validation", "test"]:
                    _, by_mean, by_vote = self.combine(members, split)
                    one = self.alone[members[0], split]
                    self.assertEqual(together["mean_probability"][split],
                                     one.get_accuracy(by_mean))
                    self.assertEqual(together["majority_vote"][split],
                                     one.get_accuracy(by_vote))

    def test_members_are_the_runs(self):
        for run, member in zip(runs, ask(*runs)["members"]):
            final = read_record(run)["final"]
            self.assertEqual(member, {"directory": str(run), "model": "model.safetensors",
                                      "validation": final["validation"]["accuracy"],
                                      "test": final["test"]["accuracy"]})

    def test_members_disagree(self):
        """Else the comparisons above would prove nothing."""
        _, by_mean, by_vote = self.combine(runs[:3], "test")
        self.assertFalse(by_mean == by_vote)
        self.assertFalse(any(by_vote == self.alone[run, "test"].classes for run in runs))

    def test_file_of_the_ensemble(self):
        path = self.place / "ensemble.csv"
        together = ask(*runs[:3], "-o", path)
        means, by_mean, by_vote = self.combine(runs[:3], "test")
        written = predictions.read(path)
        self.assertEqual(written.header[:4],
                         ["index", "true_class", "predicted_class", "voted_class"])
        self.assertTrue(written.labels == self.alone[runs[0], "test"].labels)
        self.assertTrue(written.classes == by_mean)
        self.assertTrue(written.votes == by_vote)
        self.assertEqual(written.get_accuracy(), together["mean_probability"]["test"])
        self.assertEqual(written.get_accuracy(written.votes), together["majority_vote"]["test"])
        for row, mean in zip(written.probabilities, means):
            for written_p, p in zip(row, mean):
                self.assertAlmostEqual(written_p, p, delta=1e-8)
        printed = succeed("ensemble", *runs[:3], "-o", "-").out
        self.assertTrue(printed == path.read_text())

    def test_table(self):
        together = ask(*runs[:2])
        result = succeed("ensemble", *runs[:2])
        lines = result.out.splitlines()
        self.assertEqual(len(lines), 5)
        expected = [(f"{run}/model.safetensors", member)
                    for run, member in zip(runs, together["members"])]
        expected += [("majority vote", together["majority_vote"]),
                     ("mean probability", together["mean_probability"])]
        for line, (name, figures) in zip(lines[1:], expected):
            self.assertTrue(line.startswith(name), line)
            self.assertEqual(line[len(name):].split(),
                             [f"{100 * figures['validation']:.2f}", "%",
                              f"{100 * figures['test']:.2f}", "%"])
        self.assertEqual(result.messages, [])


class Snapshots(LaminaTest):
    def test_snapshots_in_the_order_of_their_numbers(self):
        folder = self.place / "run"
        shutil.copytree(runs[0], folder)
        others = [self.place / name for name in "ab"]
        for number, other in zip([2, 10], others):
            train(other, "--set", f"seed={number}")
            shutil.copy(other / "model.safetensors", folder / f"snapshot-{number}.safetensors")
        (folder / "snapshot-2.safetensors.tmp").write_text("no snapshot")
        expected, together = ask(*others), ask(folder, "--snapshots")
        self.assertEqual([member["model"] for member in together["members"]],
                         ["snapshot-2.safetensors", "snapshot-10.safetensors"])
        for key in ["rows", "majority_vote", "mean_probability"]:
            self.assertEqual(together[key], expected[key])
        self.assertEqual(ask(*[folder] * 2, "--model", "snapshot-10.safetensors")["members"][1],
                         together["members"][1])

    def test_folder_without_snapshots(self):
        result = lamina("ensemble", runs[0], "--snapshots")
        self.assert_one_message(result, BAD_MODEL, str(runs[0]), "snapshot")


class Data(LaminaTest):
    def test_other_validation_rows_leave_the_test_rows(self):
        train(self.place / "run", "--set", "data.validation_count=300")
        together = ask(runs[0], self.place / "run")
        for key in ["rows", "majority_vote", "mean_probability"]:
            self.assertEqual(list(together[key]), ["test"])
        self.assertIn("validation", together["members"][1])
        lines = succeed("ensemble", runs[0], self.place / "run").out.splitlines()
        self.assertRegex(lines[-1], r"^mean probability +- +\d+\.\d\d %$")

    def test_the_same_data_elsewhere(self):
        shutil.copytree(place / "data", place / "copy")
        train(self.place / "elsewhere", data="copy")
        self.assertEqual(len(ask(runs[0], self.place / "elsewhere")["members"]), 2)

    def test_other_data(self):
        (place / "other").mkdir()
        make_learnable_file(place / "other/test_batch.bin", seed=4)
        (place / "other/data_batch_1.bin").symlink_to(place / "data/data_batch_1.bin")
        train(self.place / "other", data="other")
        succeed("train", RECIPE, "-q", "-o", self.place / "synthetic", *SMALL)
        for name in ["other", "synthetic"]:
            with self.subTest(name):
                result = lamina("ensemble", runs[0], self.place / name)
                self.assert_one_message(result, BAD_DATA, str(self.place / name), str(runs[0]))


class Refused(LaminaTest):
    def test_missing_run(self):
        result = lamina("ensemble", runs[0], self.place / "missing")
        self.assert_one_message(result, BAD_MODEL, str(self.place / "missing"))

    def test_place_that_cannot_be_written(self):
        result = lamina("ensemble", *runs[:2], "-o", self.place / "missing/e.csv")
        self.assert_one_message(result, BAD_OUTPUT, str(self.place / "missing"))

    def test_usage(self):
        cases = [([], "DIR"), (["a"], "--snapshots"),
                 (["a", "--snapshots", "--model", "b"], "--model"),
                 (["a", "b", "-o", "-", "--json"], "--json")]
        for arguments, fragment in cases:
            with self.subTest(arguments):
                result = lamina("ensemble", *arguments)
                self.assertEqual(result.status, USAGE)
                self.assertIn(fragment, result.messages[0])


if __name__ == "__main__":
    unittest.main()
