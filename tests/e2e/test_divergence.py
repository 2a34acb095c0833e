# SPDX-License-Identifier: Apache-2.0
"""Training that leaves the finite numbers is stopped, and never passes for a result."""

import math
import re
import unittest

from support import (BAD_MODEL, DIVERGED, RECIPE, LaminaTest, lamina, read_metrics,
                     read_record)

# Diverges in step 4 with floats: the weights grow by twelve orders of magnitude a step.
HOPELESS = ["--data", "synthetic", "--set", "data.train_first=500", "--set",
            "schedule={type: constant, rate: 1e6}"]


class Divergence(LaminaTest):
    def diverge(self, name, *options):
        run = self.place / name
        result = lamina("train", RECIPE, *HOPELESS, "-q", "-o", run, *options)
        self.assert_one_message(result, DIVERGED, "diverged", "learning rate")
        self.assertRegex(result.messages[0], r"step \d+ ")
        record = read_record(run)
        self.assertEqual(record["status"], "diverged")
        self.assertNotIn("final", record)
        for row in read_metrics(run):
            self.assertEqual(len(row), 9)
            self.assertTrue(all(math.isfinite(float(value)) for value in row), row)
        return run, result

    def test_in_the_middle_of_an_epoch(self):
        run, result = self.diverge("middle", "--set", "stop={epochs: 50}", "--set",
                                   "measure={every_epochs: 1}")
        step = int(re.search(r"step (\d+)", result.err).group(1))
        self.assertTrue(1 <= step <= 10, result.err)
        self.assertEqual(read_metrics(run)[0][0], "0")
        self.assertEqual(read_record(run)["recipe"]["schedule"]["rate"], 1e6)

    def test_rows_before_are_kept(self):
        run, _ = self.diverge("rows", "--set", "stop={epochs: 50}", "--set",
                              "measure={every_steps: 1}")
        self.assertGreaterEqual(len(read_metrics(run)), 2)

    def test_in_the_last_step(self):
        """The losses of all steps are finite; the weights they lead to are not."""
        run = self.place / "probe"
        lamina("train", RECIPE, *HOPELESS, "-q", "-o", run, "--set", "stop={epochs: 50}",
               "--set", "measure={every_epochs: 1}")
        step = int(re.search(r"step (\d+)", read_record(run)["message"]).group(1))
        self.diverge("last", "--set", f"stop={{steps: {step}}}", "--set",
                     "measure={every_epochs: 1}")

    def test_whoever_multiplies(self):
        for gemm in ["tiles", "clblast"]:
            with self.subTest(gemm):
                self.diverge(gemm, "--gemm", gemm, "--set", "stop={epochs: 2}", "--set",
                             "measure={every_epochs: 1}")

    def test_there_is_no_model_to_evaluate(self):
        run, _ = self.diverge("evaluate", "--set", "stop={epochs: 2}", "--set",
                              "measure={every_epochs: 1}")
        self.assertFalse((run / "model.safetensors").exists())
        self.assert_one_message(lamina("evaluate", run), BAD_MODEL, str(run))


if __name__ == "__main__":
    unittest.main()
