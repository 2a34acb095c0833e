# SPDX-License-Identifier: Apache-2.0
"""Studies worked off by ranks of MPI: they come to what one process comes to, whoever dies."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import unittest
from pathlib import Path

from support import (BAD_STUDY, LAMINA, NO_DEVICE, OK, RECIPE, USAGE, LaminaTest, environment,
                     lamina, succeed, wait_until)
from test_search import SPACE, drop_seconds, read_rows

RANKS = 3
# mpirun asks root twice whether that was meant.
ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
# Half a second or so for a wave of two.
SHORT = ["--set", "data={source: synthetic, train_files: [1], validation_count: 500, "
         "train_first: 500}", "--set", "layers[0].width=12", "--set",
         "schedule={type: constant, rate: 0.01}", "--set", "stop={epochs: 150}", "--set",
         "measure={every_epochs: 10}"]


def make_study(path):
    succeed("search", "new", path, RECIPE, *SHORT, *SPACE, "--sampler", "sobol", "--trials",
            "5", "--seeds", "2")
    return path


def start_ranks(*arguments, options=(), count=RANKS):
    return subprocess.Popen(
        ["mpirun", "--oversubscribe", *options, "-n", str(count), LAMINA, "search", "run",
         *map(str, arguments), "--mpi"], env=environment(**ROOT), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_ranks(*arguments, **options):
    """Exit status and stderr of ranks that come to their end by themselves."""
    job = start_ranks(*arguments, **options)
    _, messages = job.communicate(timeout=120)
    return job.returncode, messages


def find_workers(study):
    """Processes that hold a wave now."""
    with sqlite3.connect(f"file:{study}?mode=ro", uri=True) as connection:
        return {pid for pid, in connection.execute("SELECT pid FROM wave WHERE ended IS NULL")}


def find_ranks(job):
    """Processes of the job by rank."""
    ranks = {}
    for children in Path(f"/proc/{job.pid}/task").glob("*/children"):
        for pid in children.read_text().split():
            values = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            for value in values:
                if value.startswith(b"OMPI_COMM_WORLD_RANK="):
                    ranks[int(value.split(b"=")[1])] = int(pid)
    return ranks


class Ranks(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not shutil.which("mpirun"):
            raise unittest.SkipTest("mpirun is not installed")
        if "built without MPI" in lamina("search", "run", "none.db", "--mpi", env=ROOT).err:
            raise unittest.SkipTest("lamina was built without MPI")
        calm = make_study(cls.place / "calm.db")
        succeed("search", "run", calm, "-q", "--population", "2")
        cls.expected = drop_seconds(read_rows(calm))

    def assert_whole(self, study):
        self.assertEqual(drop_seconds(read_rows(study)), self.expected)
        succeed("search", "status", study, "--verify")

    def start_at_work(self, name, **options):
        """Ranks that all hold waves, and their processes."""
        study = make_study(self.place / name)
        job = start_ranks(study, "-q", "--population", "2", **options)
        self.addCleanup(job.communicate)
        self.addCleanup(job.kill)
        wait_until(lambda: len(find_workers(study)) == RANKS, job)
        return study, job, find_ranks(job)

    def test_all_ranks_work(self):
        study = make_study(self.place / "shared.db")
        status, messages = run_ranks(study, "--population", "2")
        self.assertEqual(status, OK, messages)
        self.assert_whole(study)
        with sqlite3.connect(study) as connection:
            workers, = connection.execute("SELECT count(DISTINCT pid) FROM wave").fetchone()
        self.assertGreater(workers, 1)

    def test_others_go_on_when_a_rank_is_killed(self):
        study, job, ranks = self.start_at_work("recovery.db", options=["--enable-recovery"])
        os.kill(ranks[1], signal.SIGKILL)
        out, messages = job.communicate(timeout=120)
        self.assertEqual(job.returncode, OK, messages)
        self.assertIn("rank 1", messages)
        self.assertIn("trials 10/10", out)
        self.assert_whole(study)

    def test_nothing_is_lost_when_mpirun_ends_all(self):
        for rank in [1, 0]:
            with self.subTest(rank=rank):
                study, job, ranks = self.start_at_work(f"killed-{rank}.db")
                os.kill(ranks[rank], signal.SIGKILL)
                job.communicate(timeout=60)
                self.assertNotEqual(job.returncode, OK)
                succeed("search", "resume", study, "-q", "--population", "2")
                self.assert_whole(study)

    def test_ranks_end_without_rank_0(self):
        study, job, ranks = self.start_at_work("headless.db", options=["--enable-recovery"])
        os.kill(ranks[0], signal.SIGKILL)
        _, messages = job.communicate(timeout=60)
        self.assertIn("rank 0", messages)
        self.assertIn("lamina search resume", messages)
        succeed("search", "resume", study, "-q", "--population", "2")
        self.assert_whole(study)

    def test_interrupting_gives_trials_back(self):
        for name in ["mpirun", "rank 0 alone"]:
            with self.subTest(name):
                study, job, ranks = self.start_at_work(f"{name.replace(' ', '-')}.db")
                os.kill(job.pid if name == "mpirun" else ranks[0], signal.SIGINT)
                job.communicate(timeout=60)
                self.assertNotEqual(job.returncode, OK)
                status = json.loads(succeed("search", "status", study, "--json").out)
                self.assertEqual(status["workers"], 0)
                succeed("search", "resume", study, "-q", "--population", "2")
                self.assert_whole(study)

    def test_rank_0_says_what_is_wrong_with_the_study(self):
        status, messages = run_ranks(self.place / "none.db", count=2)
        self.assertEqual(status, BAD_STUDY, messages)
        self.assertIn("none.db", messages)
        self.assertIn("rank 0 has ended", messages)

    def test_no_device(self):
        status, messages = run_ranks(make_study(self.place / "blind.db"), "--device", "99",
                                     count=2)
        self.assertEqual(status, NO_DEVICE, messages)
        self.assertEqual(messages.count("there is no device 99"), 2)

    def test_one_rank_is_one_worker(self):
        study = make_study(self.place / "single.db")
        status, messages = run_ranks(study, "-q", "--population", "2", count=1)
        self.assertEqual(status, OK, messages)
        self.assert_whole(study)


class Usage(LaminaTest):
    def test_mpi_is_no_option_of_other_commands(self):
        self.assertEqual(lamina("search", "status", "a.db", "--mpi").status, USAGE)


if __name__ == "__main__":
    unittest.main()
