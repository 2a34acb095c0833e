# SPDX-License-Identifier: Apache-2.0
"""Runs that are interrupted or killed, and runs that go on after that."""

import json
import math
import os
import re
import shutil
import signal
import time
import unittest

from support import (BAD_MODEL, BAD_OUTPUT, BAD_RECIPE, INTERRUPTED, METRICS_HEADER, RECIPE,
                     REDUCED_CHECK, RUN_FILES, SMALL, LaminaTest, count_complete_rows, lamina,
                     read_metrics, read_record, start, succeed, take_snapshot, wait_until)

LIMIT_SECONDS = 1.0
EPOCHS_PER_ROW = 10
BASE = ["--data", "synthetic", "--set", "data.train_first=500", "--set",
        f"measure={{every_epochs: {EPOCHS_PER_ROW}}}"]
ENDLESS = [*BASE, "--set", "stop={epochs: 10000000}"]


def get_train(folder, options, *more):
    return ["train", RECIPE, "-q", "-o", folder, *options, *more]


def stop(process, number=signal.SIGINT):
    """Sends the signal; gives the exit status, the seconds that took, and stderr."""
    sent = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert out == "", out
    return process.returncode, time.monotonic() - sent, err


def start_and_wait_for_rows(folder, options, rows):
    process = start(*get_train(folder, options))
    wait_until(lambda: count_complete_rows(folder) >= rows, process)
    return process


def measure_epochs_per_second(folder):
    """How fast this device is when nothing else uses it, measurements included."""
    seconds = []
    for _ in range(3):
        succeed(*get_train(folder, BASE, "--set", "stop={epochs: 50}", "--force"))
        seconds.append(read_record(folder)["seconds_total"])
    return 50 / min(seconds)


def get_first_step(result):
    """Where training began, as the first line of progress says: "epoch 1.20  6/10 .."."""
    return int(re.search(r"(?m)^epoch [\d.]+ .*?(\d+)/\d+", result.err).group(1))


class Interrupted(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.place / "run"
        process = start_and_wait_for_rows(cls.folder, ENDLESS, 3)
        cls.status, cls.seconds, cls.err = stop(process)

    def test_exit_status(self):
        self.assertEqual(self.status, INTERRUPTED, self.err)

    def test_it_ends_at_once(self):
        self.assertLess(self.seconds, LIMIT_SECONDS)

    def test_message_says_how_to_go_on(self):
        lines = self.err.splitlines()
        self.assertEqual(len(lines), 2, self.err)
        self.assertIn("interrupted after ", lines[1])
        self.assertIn(str(self.folder), lines[1])
        self.assertIn("--resume", lines[1])

    def test_metrics_are_complete_rows(self):
        text = (self.folder / "metrics.csv").read_text()
        self.assertTrue(text.startswith(METRICS_HEADER + "\n"))
        self.assertTrue(text.endswith("\n"))
        rows = [list(map(float, row)) for row in read_metrics(self.folder)]
        self.assertGreaterEqual(len(rows), 3)
        for row in rows:
            self.assertEqual(len(row), 9)
            self.assertTrue(all(map(math.isfinite, row)))

    def test_record_says_so(self):
        record = read_record(self.folder)
        self.assertEqual(record["status"], "interrupted")
        self.assertGreaterEqual(record["steps"], int(read_metrics(self.folder)[-1][0]))
        self.assertNotIn("final", record)

    def test_it_cannot_be_evaluated(self):
        self.assert_one_message(lamina("evaluate", self.folder), BAD_MODEL, str(self.folder))

    def test_it_is_not_overwritten_by_a_new_run(self):
        before = take_snapshot(self.folder)
        result = lamina(*get_train(self.folder, ENDLESS))
        self.assert_one_message(result, BAD_OUTPUT, "--resume", "--force")
        self.assertEqual(take_snapshot(self.folder), before)

    def test_another_recipe_is_refused(self):
        before = take_snapshot(self.folder)
        result = lamina(*get_train(self.folder, ENDLESS, "--set", "l2=0.5", "--resume"))
        self.assert_one_message(result, BAD_RECIPE, str(self.folder), "another recipe")
        self.assertEqual(take_snapshot(self.folder), before)

    def test_a_damaged_checkpoint_is_refused(self):
        damaged = self.place / "damaged"
        shutil.copytree(self.folder, damaged)
        (checkpoint,) = [path for path in damaged.iterdir() if path.name not in RUN_FILES]
        checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
        result = lamina(*get_train(damaged, ENDLESS, "--resume"))
        self.assert_one_message(result, BAD_MODEL, str(checkpoint))


class OtherMoments(LaminaTest):
    def test_terminate_does_the_same(self):
        process = start_and_wait_for_rows(self.place / "term", ENDLESS, 1)
        status, seconds, err = stop(process, signal.SIGTERM)
        self.assertEqual(status, INTERRUPTED, err)
        self.assertLess(seconds, LIMIT_SECONDS)
        self.assertEqual(read_record(self.place / "term")["status"], "interrupted")

    def test_while_it_starts(self):
        """Loading data, building kernels (already in the driver's cache), first steps."""
        for tenths in range(1, 9):
            with self.subTest(f"after 0.{tenths} s"):
                process = start(*get_train(self.place / f"start-{tenths}", ENDLESS))
                time.sleep(tenths / 10)
                status, seconds, err = stop(process)
                self.assertEqual(status, INTERRUPTED, err)
                self.assertLess(seconds, LIMIT_SECONDS)

    def test_while_kernels_are_built(self):
        """With an empty cache, as on the first run; a compiler may end its kernel first."""
        for seconds in [0.2, 0.6, 1.0, 1.4]:
            with self.subTest(f"after {seconds} s"):
                cache = self.place / f"cache-{seconds}"
                cache.mkdir()
                process = start(*get_train(self.place / f"cold-{seconds}", ENDLESS),
                                env={"POCL_CACHE_DIR": str(cache)})
                time.sleep(seconds)
                status, _, err = stop(process)
                self.assertEqual(status, INTERRUPTED, err)

    def test_impatient_user_on_a_first_run(self):
        """A terminal sends ^C to the compiler's processes too, and users press it often."""
        cache = self.place / "cache"
        cache.mkdir()
        process = start(*get_train(self.place / "first", ENDLESS), start_new_session=True,
                        env={"POCL_CACHE_DIR": str(cache)})
        time.sleep(0.3)
        while process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.02)
        err = process.communicate()[1]
        self.assertEqual(process.returncode, INTERRUPTED, err)

    def test_gradient_check(self):
        process = start(*REDUCED_CHECK[:-4], "--entries", "all")
        time.sleep(1.5)
        status, seconds, err = stop(process)
        self.assertEqual(status, INTERRUPTED, err)
        self.assertLess(seconds, LIMIT_SECONDS)


class Resumed(LaminaTest):
    """A run of some seconds, undisturbed and otherwise, ends in the same bytes."""

    SECONDS = 4

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        speed = measure_epochs_per_second(cls.place / "speed")
        epochs = max(6, round(cls.SECONDS * speed / EPOCHS_PER_ROW)) * EPOCHS_PER_ROW
        cls.options = [*BASE, "--set", f"stop={{epochs: {epochs}}}"]
        cls.undisturbed = cls.place / "undisturbed"
        succeed(*get_train(cls.undisturbed, cls.options))

    def kill(self, run, condition, *more):
        process = start(*get_train(run, self.options, *more))
        wait_until(lambda: condition(run), process)
        self.assertEqual(stop(process, signal.SIGKILL)[0], -signal.SIGKILL)

    def get_extra_files(self, run):
        """Without progress.json, which a killed process leaves until the run is resumed."""
        return [path.name for path in run.glob("*")
                if path.name not in [*RUN_FILES, "progress.json"]]

    def resume(self, run):
        return succeed("train", RECIPE, "-o", run, *self.options, "--resume")

    def assert_same(self, run):
        self.assertEqual(sorted(take_snapshot(run)), RUN_FILES)
        for file in ["metrics.csv", "model.safetensors"]:
            self.assertEqual((run / file).read_bytes(), (self.undisturbed / file).read_bytes(),
                             file)
        record, expected = read_record(run), read_record(self.undisturbed)
        for key in ["status", "recipe", "steps", "final", "rows", "seed"]:
            self.assertEqual(record[key], expected[key], key)


class AfterInterrupt(Resumed):
    def test_once(self):
        run = self.place / "once"
        status, _, err = stop(start_and_wait_for_rows(run, self.options, 3))
        self.assertEqual(status, INTERRUPTED, err)
        reached = read_record(run)["steps"]
        result = self.resume(run)
        self.assert_same(run)
        first = get_first_step(result)
        self.assertGreaterEqual(first, reached)

    def test_several_times(self):
        run = self.place / "several"
        self.assertEqual(stop(start_and_wait_for_rows(run, self.options, 2))[0], INTERRUPTED)
        for rows in [3, 5]:
            process = start(*get_train(run, self.options, "--resume"))
            wait_until(lambda rows=rows: count_complete_rows(run) >= rows, process)
            self.assertEqual(stop(process)[0], INTERRUPTED)
        self.resume(run)
        self.assert_same(run)

    def test_before_the_first_step(self):
        run = self.place / "early"
        process = start(*get_train(run, self.options))
        wait_until((run / "run.json").exists, process)
        self.assertEqual(stop(process)[0], INTERRUPTED)
        self.resume(run)
        self.assert_same(run)

    def test_a_finished_run_is_refused_and_kept(self):
        before = take_snapshot(self.undisturbed)
        result = lamina(*get_train(self.undisturbed, self.options, "--resume"))
        self.assert_one_message(result, BAD_OUTPUT, str(self.undisturbed), "finished")
        self.assertEqual(take_snapshot(self.undisturbed), before)


class AfterKill(Resumed):
    def test_before_anything_is_written(self):
        run = self.place / "nothing"
        process = start(*get_train(run, self.options))
        time.sleep(0.1)
        self.assertEqual(stop(process, signal.SIGKILL)[0], -signal.SIGKILL)
        self.assertFalse((run / "metrics.csv").exists())
        self.resume(run)
        self.assert_same(run)

    def test_before_the_first_checkpoint(self):
        run = self.place / "before"
        self.kill(run, lambda run: count_complete_rows(run) >= 4)
        self.assertEqual(self.get_extra_files(run), [])
        self.assertEqual(read_record(run)["status"], "running")
        self.resume(run)
        self.assert_same(run)

    def test_again_while_it_goes_on(self):
        run = self.place / "again"
        self.kill(run, lambda run: count_complete_rows(run) >= 2)
        self.kill(run, lambda run: count_complete_rows(run) >= 5, "--resume")
        self.resume(run)
        self.assert_same(run)

    def test_between_the_model_and_the_record(self):
        """The last two files of a run: the record does not say yet that it is finished."""
        run = self.place / "between"
        shutil.copytree(self.undisturbed, run)
        record = read_record(run)
        for key in ["steps", "seconds_per_epoch", "samples_per_second", "seconds_total",
                    "final"]:
            del record[key]
        record["status"] = "running"
        (run / "run.json").write_text(json.dumps(record))
        self.resume(run)
        self.assert_same(run)


class AfterCheckpoint(Resumed):
    """Long enough for checkpoints, which are written every 5 seconds."""

    SECONDS = 10

    def test_after_a_checkpoint(self):
        run = self.place / "after"
        self.kill(run, lambda run: self.get_extra_files(run) and
                  (run / "checkpoint.safetensors").exists())
        kept = count_complete_rows(run)
        with open(run / "metrics.csv", "a") as file:
            file.write("999999,1.5,0.0")  # a row that the disk took half of
        result = self.resume(run)
        self.assert_same(run)
        first = get_first_step(result)
        self.assertGreater(first, int(read_metrics(run)[kept // 2][0]))


class NothingToResume(LaminaTest):
    def test_finished_run(self):
        run = self.place / "finished"
        succeed(*get_train(run, SMALL))
        result = lamina(*get_train(run, SMALL, "--resume"))
        self.assert_one_message(result, BAD_OUTPUT, str(run), "-o", "--force")


if __name__ == "__main__":
    unittest.main()
