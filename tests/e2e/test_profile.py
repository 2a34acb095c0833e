# SPDX-License-Identifier: Apache-2.0
"""lamina train --profile: a trace of what host and device did when."""

import json
import re
import unittest

from support import (BAD_OUTPUT, DIVERGED, INTERRUPTED, RECIPE, SMALL, LaminaTest,
                     count_complete_rows, lamina, read_record, start, take_snapshot, train,
                     wait_until)

STEPS = 10
EPOCHS = 2
STEP_LAUNCHES = ["matmul_forward 100x3072x50", "matmul_forward 100x50x10",
                 "loss", "matmul_backward_input 100x50x10",
                 "matmul_backward_weights 100x50x10", "matmul_backward_weights 100x3072x50"]
ENDLESS = ["--data", "synthetic", "--set", "data.train_first=500", "--set",
           "stop={epochs: 10000000}", "--set", "measure={every_epochs: 100}"]
ROUNDING_US = 0.01


def read_trace(path):
    return json.loads(path.read_text())


def get_spans(trace, category):
    return [event for event in trace["traceEvents"] if event.get("cat") == category]


def get_end(event):
    return event["ts"] + event["dur"]


def is_inside(inner, outer, slack_us=ROUNDING_US):
    return (outer["ts"] - slack_us <= inner["ts"] and
            get_end(inner) <= get_end(outer) + slack_us)


class Trace(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = cls.place / "trace.json"
        train(cls.place / "plain", *SMALL)
        train(cls.place / "traced", *SMALL, "--profile", cls.path)
        cls.trace = read_trace(cls.path)
        cls.launches = get_spans(cls.trace, "launch")
        cls.host = get_spans(cls.trace, "host")

    def find(self, name):
        (span,) = [span for span in self.host if span["name"] == name]
        return span

    def test_training_gives_the_same_bits(self):
        for file in ["metrics.csv", "model.safetensors"]:
            self.assertEqual((self.place / "plain" / file).read_bytes(),
                             (self.place / "traced" / file).read_bytes(), file)

    def test_every_event_is_complete_or_a_label(self):
        for event in self.trace["traceEvents"]:
            self.assertIn(event["ph"], ["X", "M"])
            if event["ph"] == "X":
                self.assertGreaterEqual(event["ts"], 0)
                self.assertGreaterEqual(event["dur"], 0)
        self.assertEqual(len({event["tid"] for event in self.launches}), 1)
        self.assertEqual(len({event["tid"] for event in self.host}), 1)
        self.assertNotEqual(self.launches[0]["tid"], self.host[0]["tid"])

    def test_metadata_names_device_and_driver(self):
        device = read_record(self.place / "traced")["device"]
        other = self.trace["otherData"]
        self.assertEqual(other["device"], device["name"])
        self.assertEqual(other["driver_version"], device["driver_version"])
        self.assertEqual(other["launches"], len(self.launches))
        self.assertEqual(other["launches_in_file"], len(self.launches))
        self.assertGreater(other["launch_limit"], len(self.launches))
        rows = {event["args"]["name"] for event in self.trace["traceEvents"]
                if event["ph"] == "M"}
        self.assertEqual(rows, {"lamina", device["name"], "host"})

    def test_launches_follow_one_another(self):
        for before, after in zip(self.launches, self.launches[1:]):
            self.assertLessEqual(get_end(before), after["ts"] + ROUNDING_US)

    def test_steps_are_the_launches_of_the_plan(self):
        names = [launch["name"] for launch in self.launches]
        for name in names:
            self.assertRegex(name, r"^[a-z_]+( \d+x\d+x\d+)?$")
        for name in STEP_LAUNCHES[-2:]:  # the backward pass is no part of a measurement
            self.assertEqual(names.count(name), STEPS + 1, "the steps and the one before")
        first = names.index(STEP_LAUNCHES[0])
        self.assertEqual(names[first:first + len(STEP_LAUNCHES)], STEP_LAUNCHES)

    def test_host_spans_are_there_and_nest(self):
        names = [span["name"] for span in self.host]
        self.assertEqual(names[:3], ["load data", "self-test", "build"])
        self.assertEqual(names[-3:], ["final measurement", "save best.safetensors",
                                      "save model.safetensors"])
        self.assertEqual([name for name in names if re.match("epoch ", name)],
                         [f"epoch {i + 1}" for i in range(EPOCHS)])
        self.assertIn("measurement at step 0", names)
        self.assertIn(f"measurement at step {STEPS}", names)
        for i, span in enumerate(self.host):
            for later in self.host[i + 1:]:
                self.assertTrue(is_inside(later, span) or
                                get_end(span) <= later["ts"] + ROUNDING_US, (span, later))

    def test_device_works_where_the_host_waits_for_it(self):
        """The two clocks agree: launches lie inside the spans that enqueue and await them."""
        slack_us = 500  # far above the error of the clocks' pairing, far below an epoch
        epochs = [self.find(f"epoch {i + 1}") for i in range(EPOCHS)]
        updates = [launch for launch in self.launches if launch["name"] == STEP_LAUNCHES[-1]]
        for launch in updates[1:]:
            self.assertTrue(any(is_inside(launch, epoch, slack_us) for epoch in epochs))
        self.assertTrue(is_inside(updates[0], self.find("build"), slack_us))
        self.assertTrue(is_inside(self.launches[0], self.find("self-test"), slack_us))

    def test_sums_are_plausible(self):
        for i in range(EPOCHS):
            epoch = self.find(f"epoch {i + 1}")
            busy = sum(launch["dur"] for launch in self.launches if is_inside(launch, epoch))
            self.assertGreater(busy, 0)
            self.assertLessEqual(busy, epoch["dur"])
        last = max(map(get_end, self.host + self.launches))
        self.assertGreater(last / 1e6, read_record(self.place / "traced")["seconds_total"])


class EndsEarly(LaminaTest):
    def test_interrupted(self):
        path, run = self.place / "stopped.json", self.place / "stopped"
        process = start("train", RECIPE, *ENDLESS, "-q", "-o", run, "--profile", path)
        wait_until(lambda: count_complete_rows(run) >= 2, process)
        process.terminate()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, INTERRUPTED)
        trace = read_trace(path)
        self.assertGreater(len(get_spans(trace, "launch")), 6 * 5 * 100)
        names = [span["name"] for span in get_spans(trace, "host")]
        self.assertEqual(names[-2:], ["save checkpoint.safetensors", "save best.safetensors"],
                         "the one within the other")

    def test_more_launches_than_it_holds(self):
        """The first so many are kept; the file and a warning say so."""
        path, run = self.place / "long.json", self.place / "long"
        result = lamina("train", RECIPE, *ENDLESS, "-q", "-o", run, "--profile", path, "--set",
                        "batch=1", "--set", "layers=[{type: dense, width: 10}]", "--set",
                        "stop={steps: 40000}", "--set", "measure={every_steps: 20000}")
        self.assertEqual(result.status, 0, result.err)
        trace = read_trace(path)
        other = trace["otherData"]
        self.assertEqual(other["launches_in_file"], other["launch_limit"])
        self.assertEqual(len(get_spans(trace, "launch")), other["launch_limit"])
        self.assertGreater(other["launches"], other["launch_limit"])
        self.assertEqual(len(result.messages), 1, result.err)
        for fragment in ["warning", str(path), f"first {other['launch_limit']} of "
                         f"{other['launches']} launches"]:
            self.assertIn(fragment, result.messages[0])

    def test_diverged(self):
        path = self.place / "diverged.json"
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", self.place / "diverged", "--set",
                        "schedule={type: constant, rate: 1e6}", "--set",
                        "measure={every_epochs: 1}", "--profile", path)
        self.assert_one_message(result, DIVERGED, "diverged")
        self.assertGreater(len(get_spans(read_trace(path), "launch")), 12)


class BadPlace(LaminaTest):
    def test_it_is_found_before_training(self):
        (self.place / "file").write_text("mine")
        (self.place / "folder").mkdir()
        for path in ["missing/trace.json", "file/trace.json", "folder"]:
            with self.subTest(path):
                run = self.place / "run"
                result = lamina("train", RECIPE, *SMALL, "-q", "-o", run, "--profile",
                                self.place / path)
                self.assert_one_message(result, BAD_OUTPUT, str(self.place / path),
                                        "--profile")
                self.assertFalse(run.exists())
        self.assertEqual(take_snapshot(self.place), {"file": b"mine"})

    def test_a_device_file_stays_what_it_is(self):
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", self.place / "null", "--profile",
                        "/dev/null")
        self.assert_one_message(result, BAD_OUTPUT, "/dev/null")


if __name__ == "__main__":
    unittest.main()
