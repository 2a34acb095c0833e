# SPDX-License-Identifier: Apache-2.0
"""Places that cannot be written: files in the way, full disks, lost permissions."""

import contextlib
import os
import resource
import signal
import subprocess
import unittest

from support import (BAD_OUTPUT, RECIPE, SMALL, LaminaTest, lamina, read_metrics, read_record,
                     take_snapshot, train)


class Unwritable(LaminaTest):
    def assert_refused(self, run, *fragments):
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", run)
        self.assert_one_message(result, BAD_OUTPUT, str(run), "-o", *fragments)

    def test_below_a_regular_file(self):
        (self.place / "file").write_text("mine")
        self.assert_refused(self.place / "file/run")
        self.assert_refused(self.place / "file")
        self.assertEqual((self.place / "file").read_text(), "mine")

    def test_a_folder_where_a_file_should_go(self):
        for file in ["run.json", "metrics.csv", "model.safetensors"]:
            with self.subTest(file):
                run = self.place / f"blocked-{file}"
                (run / file).mkdir(parents=True)
                self.assert_refused(run)

    def test_empty_name(self):
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", "", cwd=self.place)
        self.assertEqual(result.status, BAD_OUTPUT, result.err)
        self.assertEqual(take_snapshot(self.place / "runs"), {})

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_without_permission(self):
        locked = self.place / "locked"
        locked.mkdir(mode=0o500)
        self.assert_refused(locked / "run", "Permission denied")

    @unittest.skipUnless(os.path.isdir("/proc/self"), "there is no /proc here")
    def test_where_nothing_can_be_made(self):
        self.assert_refused("/proc/lamina-run")


class SmallFiles(LaminaTest):
    """A limit on the size of files stands in for a disk that fills up."""

    LIMIT_BYTES = 4_000_000  # the model takes 6 MB; what drivers write beside it less
    OPTIONS = [*SMALL, "-q", "--set", "layers[0].width=500"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        train(cls.place / "warm", *cls.OPTIONS)  # fills the driver's cache of compiled kernels

    def set_limit(self):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.LIMIT_BYTES, self.LIMIT_BYTES))

    def test_model_does_not_fit(self):
        """Nor does a checkpoint, which comes first where training takes long: a warning."""
        run = self.place / "run"
        result = lamina("train", RECIPE, *self.OPTIONS, "-o", run, preexec_fn=self.set_limit)
        self.assertEqual(result.status, BAD_OUTPUT, result.err)
        *warnings, message = result.messages
        for fragment in (str(run), "best.safetensors", "-o"):
            self.assertIn(fragment, message)
        for warning in warnings:
            self.assertIn("warning: ", warning)
            self.assertIn("checkpoint.safetensors", warning)
        self.assertEqual(sorted(take_snapshot(run)), ["metrics.csv", "run.json"])
        self.assertEqual(read_record(run)["status"], "failed")
        self.assertIn(".safetensors", read_record(run)["message"])


class FullDisk(LaminaTest):
    """A small file system of its own; only root may mount one."""

    SIZE = "300k"  # run.json and metrics.csv fit, the model does not

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.disk = cls.place / "disk"
        cls.disk.mkdir()
        mounted = False
        with contextlib.suppress(OSError):
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={cls.SIZE}", "tmpfs",
                                      str(cls.disk)], stderr=subprocess.DEVNULL,
                                     check=False).returncode == 0
        if not mounted:
            raise unittest.SkipTest("no file system can be mounted here")
        cls.addClassCleanup(subprocess.run, ["umount", str(cls.disk)], check=True)

    def setUp(self):
        (self.disk / "mine.txt").write_text("mine")
        self.addCleanup(self.empty_disk)

    def empty_disk(self):
        subprocess.run(["find", str(self.disk), "-mindepth", "1", "-delete"], check=True)

    def test_model_does_not_fit(self):
        run = self.disk / "run"
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", run)
        self.assert_one_message(result, BAD_OUTPUT, "best.safetensors", "No space left")
        self.assertEqual(sorted(take_snapshot(run)), ["metrics.csv", "run.json"])
        self.assertEqual(read_record(run)["status"], "failed")
        self.assertEqual((self.disk / "mine.txt").read_text(), "mine")

    def fill_disk(self, pages_left):
        """Leaves so many free pages of 4096 bytes, which is what tmpfs counts in."""
        free = os.statvfs(self.disk).f_bavail
        (self.disk / "ballast").write_bytes(bytes(4096 * (free - pages_left)))

    def test_nothing_fits(self):
        self.fill_disk(0)
        before = take_snapshot(self.disk)
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", self.disk / "run")
        self.assert_one_message(result, BAD_OUTPUT, str(self.disk / "run"), "No space left")
        after = take_snapshot(self.disk)
        self.assertEqual({name: after[name] for name in before}, before)

    def test_metrics_grow_too_long(self):
        """run.json and the first rows fit: training starts, and ends when the disk is full."""
        self.fill_disk(3)
        run = self.disk / "run"
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", run, "--set",
                        "measure={every_steps: 1}", "--set", "stop={epochs: 100}", "--set",
                        "data.validation_files=[]")
        self.assert_one_message(result, BAD_OUTPUT, str(run), "No space left")
        self.assertGreater(len(read_metrics(run)), 10)
        self.assertNotIn("model.safetensors", take_snapshot(run))


@unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full here")
class FullStdout(LaminaTest):
    """Results that nobody gets are no success."""

    def test_every_command(self):
        train(self.place / "run", *SMALL)
        cases = [["devices"], ["devices", "--json"], ["recipe", RECIPE], ["recipe", "--keys"],
                 ["evaluate", self.place / "run"], ["evaluate", self.place / "run", "--json"],
                 ["train", RECIPE, *SMALL, "-q", "-o", self.place / "more"], ["--help"],
                 ["--version"], ["train", "--help"]]
        for arguments in cases:
            with self.subTest(" ".join(map(str, arguments))), open("/dev/full", "w") as full:
                result = lamina(*arguments, stdout=full)
                self.assertEqual(result.status, BAD_OUTPUT, result.err)
                self.assertIn("No space left", result.err)


if __name__ == "__main__":
    unittest.main()
