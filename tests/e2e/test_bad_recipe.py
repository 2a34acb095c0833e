# SPDX-License-Identifier: Apache-2.0
"""Recipes that cannot be read or make no sense."""

import unittest

from support import (BAD_RECIPE, COMMANDS, RECIPE, SMALL, LaminaTest, lamina, succeed)

GOOD = """\
description: a small run
data:
  train_files: [1]
  validation_files: [2]
  train_first: 500
layers:
  - {type: dense, width: 50}
  - relu
  - {type: dense, width: 10}
initialization: fan_in
loss: softmax_cross_entropy
l2: 0.01
optimizer: sgd
schedule: {type: constant, rate: 0.1}
batch: 100
stop: {epochs: 2}
measure: {every_epochs: 1}
seed: 1
"""

# A line of GOOD, what stands in its place, and what the message must hold besides that line's
# number.
MISTAKES = [
    # keys
    ("batch: 100", "batch_size: 100", ["batch_size", "batch"]),
    ("l2: 0.01", "l3: 0.01", ["l3", "l2"]),
    ("  train_first: 500", "  train_frist: 500", ["train_frist", "train_first"]),
    ("stop: {epochs: 2}", "stop: {epoch: 2}", ["epoch", "epochs"]),
    # numbers
    ("batch: 100", "batch: 0", ["batch", "0", "legal"]),
    ("batch: 100", "batch: -5", ["-5", "legal"]),
    ("batch: 100", "batch: 1.5", ["1.5", "legal"]),
    ("batch: 100", "batch: .nan", [".nan", "legal"]),
    ("batch: 100", "batch: many", ["many", "legal"]),
    ("batch: 100", "batch:", ["batch", "legal"]),
    ("batch: 100", "batch: [100]", ["batch", "legal"]),
    ("batch: 100", "batch: 99999999999999999999", ["batch", "legal"]),
    ("l2: 0.01", "l2: -0.01", ["l2", "-0.01", "legal"]),
    ("l2: 0.01", "l2: .nan", ["l2", "legal"]),
    ("l2: 0.01", "l2: nan", ["l2", "legal"]),
    ("l2: 0.01", "l2: .inf", ["l2", "legal"]),
    ("l2: 0.01", "l2: 1e999", ["l2", "legal"]),
    ("seed: 1", "seed: -1", ["seed", "legal"]),
    ("stop: {epochs: 2}", "stop: {epochs: 0}", ["stop.epochs", "legal"]),
    ("stop: {epochs: 2}", "stop: {epochs: -2}", ["stop.epochs", "legal"]),
    ("measure: {every_epochs: 1}", "measure: {every_epochs: 0}", ["measure", "legal"]),
    ("schedule: {type: constant, rate: 0.1}", "schedule: {type: constant, rate: 0}",
     ["schedule.rate", "legal"]),
    ("schedule: {type: constant, rate: 0.1}", "schedule: {type: constant, rate: -0.1}",
     ["schedule.rate", "legal"]),
    ("schedule: {type: constant, rate: 0.1}", "schedule: {type: constant, rate: .nan}",
     ["schedule.rate", "legal"]),
    ("schedule: {type: constant, rate: 0.1}", "schedule: {type: constant, rate: 1e9}",
     ["schedule.rate", "legal"]),
    ("schedule: {type: constant, rate: 0.1}", "schedule: {type: constant}",
     ["schedule.rate"]),
    ("schedule: {type: constant, rate: 0.1}",
     "schedule: {type: triangular, minimum: 0.1, maximum: 0.01, half_cycle_steps: 5}",
     ["minimum", "maximum"]),
    ("schedule: {type: constant, rate: 0.1}",
     "schedule: {type: triangular, minimum: 0.01, maximum: 0.1, half_cycle_steps: 0}",
     ["half_cycle_steps", "legal"]),
    # names
    ("schedule: {type: constant, rate: 0.1}", "schedule: {type: circular, rate: 0.1}",
     ["circular", "triangular"]),
    ("schedule: {type: constant, rate: 0.1}", "schedule: {type: cosine, rate: 0.1, minimum: 1}",
     ["minimum 1", "rate 0.1"]),
    ("schedule: {type: constant, rate: 0.1}", "schedule: {type: step, rate: 0.1}",
     ["every_steps", "every_epochs"]),
    ("optimizer: sgd", "optimizer: adamant", ["adamant", "adam", "sgd"]),
    ("optimizer: sgd", "optimizer: {type: momentum, momentum: 1}",
     ["optimizer.momentum", "legal: a number from 0 to below 1"]),
    ("loss: softmax_cross_entropy", "loss: squares", ["squares", "softmax_cross_entropy"]),
    ("initialization: fan_in", "initialization: zeros", ["zeros", "fan_in"]),
    ("  - relu", "  - rely", ["rely", "relu"]),
    # layers
    ("  - {type: dense, width: 50}", "  - {type: dense, width: 0}", ["width", "legal"]),
    ("  - {type: dense, width: 50}", "  - {type: dense, width: -50}", ["width", "legal"]),
    ("  - {type: dense, width: 50}", "  - {type: dense}", ["width"]),
    ("  - {type: dense, width: 50}", "  - relu", ["dense"]),
    ("  - {type: dense, width: 10}", "  - {type: dense, width: 9}", ["9", "10"]),
    ("  - {type: dense, width: 10}", "  - sigmoid", ["layers[2]"]),
    ("  - relu", "  - {type: dropout, rate: 1}", ["layers[1].rate", "below 1"]),
    ("  - relu", "  - {type: batch_norm, epsilon: 0}", ["layers[1].epsilon", "above 0"]),
    ("  - relu", "  - {type: add, from: first}", ["layers[1]", "first"]),
    # files
    ("  train_files: [1]", "  train_files: []", ["train_files", "legal"]),
    ("  train_files: [1]", "  train_files: [6]", ["6", "legal"]),
    ("  train_files: [1]", "  train_files: [1, 1]", ["twice"]),
    ("  train_first: 500", "  train_first: 10001", ["10001", "10000"]),
    ("  validation_files: [2]", "  validation_count: 10000", ["10000"]),
    ("batch: 100", "batch: 501", ["501", "500"]),
    ("stop: {epochs: 2}", "stop: {cycles: 1}", ["cycles", "triangular"]),
    ("stop: {epochs: 2}", "stop: {epochs: 2, steps: 5}", ["epochs", "steps"]),
    ("measure: {every_epochs: 1}", "measure: {per_cycle: 3}", ["per_cycle", "triangular"]),
]

# The same for lines that clash with another one, which may be the one that is named.
CLASHES = [
    ("  train_first: 500", "  train_first: 50", ["100", "50", "batch"]),
    ("  train_files: [1]", "  train_files: [1, 2]", ["2", "validation_files"]),
    ("  validation_files: [2]", "  validation_count: 9999", ["500"]),
    ("seed: 1", "batch: 100", ["batch"]),
    ("batch: 100", "batch: [100", ["YAML"]),
    ("batch: 100", "batch: 'hundred", ["YAML"]),
    ("batch: 100", "\tbatch: 100", ["YAML"]),
    ("batch: 100", "batch: 100: 3", ["YAML"]),
]


class File(LaminaTest):
    def write(self, text, name="recipe.yaml"):
        path = self.place / name
        mode = "wb" if isinstance(text, bytes) else "w"
        with open(path, mode) as file:
            file.write(text)
        return path

    def test_the_good_one_is_good(self):
        result = succeed("recipe", self.write(GOOD, "good.yaml"))
        self.assertIn("a small run", result.out)

    def refuse_with(self, old, new, fragments):
        """Gives the number of the line that the message names, and of the changed one."""
        self.assertEqual(GOOD.count(old + "\n"), 1)
        path = self.write(GOOD.replace(old + "\n", new + "\n"))
        result = lamina("recipe", path)
        self.assert_one_message(result, BAD_RECIPE, *fragments)
        self.assertRegex(result.err, rf"\Alamina: {path}:\d+: ")
        return int(result.err.split(":")[2]), GOOD.splitlines().index(old) + 1

    def test_each_mistake_is_named_with_its_line(self):
        for old, new, fragments in MISTAKES:
            with self.subTest(new):
                named, changed = self.refuse_with(old, new, fragments)
                self.assertEqual(named, changed)

    def test_each_clash_is_named_with_a_line(self):
        for old, new, fragments in CLASHES:
            with self.subTest(new):
                self.refuse_with(old, new, fragments)

    def test_missing_keys(self):
        for line in ["batch: 100", "stop: {epochs: 2}",
                     "schedule: {type: constant, rate: 0.1}"]:
            with self.subTest(line):
                path = self.write(GOOD.replace(line + "\n", ""))
                result = lamina("recipe", path)
                self.assert_one_message(result, BAD_RECIPE, str(path), line.split(":")[0])

    def test_no_recipe_at_all(self):
        contents = {"empty": "", "comment": "# nothing\n", "list": "- 1\n- 2\n",
                    "text": "hello",
                    "two documents": GOOD + "---\n" + GOOD, "zeros": b"\x00" * 100,
                    "latin1": "description: caf\xe9\n".encode("latin-1"),
                    "deep": "[" * 10000, "aliases": "a: &a [1]\nb: [*a, *a]\n",
                    "huge": b"#" * (64 << 20)}
        for name, content in contents.items():
            with self.subTest(name):
                result = lamina("recipe", self.write(content))
                self.assert_one_message(result, BAD_RECIPE, "recipe.yaml")

    def test_no_file(self):
        result = lamina("recipe", self.place / "missing.yaml")
        self.assert_one_message(result, BAD_RECIPE, str(self.place / "missing.yaml"))
        self.assert_one_message(lamina("recipe", self.place), BAD_RECIPE, str(self.place))

    def test_every_command_refuses_before_it_opens_a_device(self):
        path = self.write(GOOD.replace("batch: 100", "batch: 0"))
        for command in ["train", "check-gradients", "lr-range", "recipe", "schedule"]:
            self.assertIn(command, COMMANDS)
            with self.subTest(command):
                result = lamina(command, path, cwd=self.place)
                self.assert_one_message(result, BAD_RECIPE, f"{path}:15: batch")
                self.assertEqual(len(result.err.splitlines()), 1, result.err)
        self.assertFalse((self.place / "runs").exists())


class Override(LaminaTest):
    CASES = {
        "l2": ["key=value"],
        "=1": ["key=value"],
        "": ["key=value"],
        ".=1": ["--set"],
        "l3=1": ["l3"],
        "schedule.speed=1": ["speed"],
        "batch=0": ["batch", "legal"],
        "batch=-1": ["batch", "legal"],
        "batch=nan": ["batch", "legal"],
        "batch=": ["batch", "legal"],
        "batch=501": ["501", "500"],
        "l2=.nan": ["l2", "legal"],
        "schedule.maximum=0": ["schedule.maximum", "legal"],
        "schedule={type: constant": ["YAML"],
        "layers[9].width=3": ["9", "3"],
        "layers[x].width=3": ["layers[0]"],
        "layers.width=3": ["layers[0]"],
        "layers[0].width=0": ["width", "legal"],
        "layers[2].width=11": ["11", "10"],
        "data.train_first=10001": ["10001", "10000"],
        "data.validation_files=[1]": ["1"],
        "batch.size=3": ["mapping"],
    }

    def test_each_mistake_is_named_with_its_override(self):
        for text, fragments in self.CASES.items():
            with self.subTest(text):
                result = lamina("train", RECIPE, *SMALL, "--set", text, "-o",
                                self.place / "run")
                self.assert_one_message(result, BAD_RECIPE, "--set", text, *fragments)
                self.assertFalse((self.place / "run").exists())

    def test_later_ones_win(self):
        result = succeed("recipe", RECIPE, "--set", "batch=10", "--set", "batch=20")
        self.assertIn('"batch": 20', result.out)


if __name__ == "__main__":
    unittest.main()
