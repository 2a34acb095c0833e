# SPDX-License-Identifier: Apache-2.0
"""Studies in shards: each a file of its own, brought together again."""

import time
import unittest

from support import BAD_STUDY, OK, USAGE, LaminaTest, lamina, start, succeed
from test_search import SPACE, drop_seconds, make_study, read_rows

PLAN = [*SPACE, "--sampler", "sobol", "--trials", "7", "--seeds", "2"]
SHARDS = 3


class Shards(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        calm = make_study(cls.place / "calm.db", *PLAN)
        succeed("search", "run", calm, "-q", "--population", "4")
        cls.expected = drop_seconds(read_rows(calm))
        cls.curves = drop_seconds(read_rows(calm, "--curves"))
        cls.study = make_study(cls.place / "study.db", *PLAN)
        workers = [start("search", "run", cls.study, "-q", "--population", "4", "--shard",
                         f"{i}/{SHARDS}") for i in range(SHARDS)]
        cls.ends = [(worker.communicate(timeout=120), worker.returncode) for worker in workers]
        cls.shards = [cls.place / f"study.shard-{i}-of-{SHARDS}.db" for i in range(SHARDS)]

    def test_each_shard_has_its_share(self):
        for i, ((out, messages), status) in enumerate(self.ends):
            self.assertEqual(status, OK, messages)
            done = [row for row in read_rows(self.shards[i]) if row["state"] == "done"]
            self.assertEqual(sorted({(int(row["iteration"]) - 1) % SHARDS for row in done}),
                             [i])
            self.assertIn(f"trials {len(done)}/{len(done)}", out)
        self.assertEqual(read_rows(self.study, "--curves"), [])

    def test_together_they_are_the_whole(self):
        merged = succeed("search", "merge", self.study, *self.shards)
        self.assertEqual(merged.out.count("trials new"), SHARDS)
        self.assertEqual(drop_seconds(read_rows(self.study)), self.expected)
        self.assertEqual(drop_seconds(read_rows(self.study, "--curves")), self.curves)
        again = succeed("search", "merge", self.study, *self.shards)
        self.assertEqual(again.out.count(" 0 trials new"), SHARDS)
        self.assertEqual(drop_seconds(read_rows(self.study)), self.expected)


class Interrupted(LaminaTest):
    def test_a_killed_shard_goes_on(self):
        calm = make_study(self.place / "calm.db", *PLAN)
        succeed("search", "run", calm, "-q", "--population", "4")
        study = make_study(self.place / "study.db", *PLAN)
        worker = start("search", "run", study, "-q", "--shard", "0/1", "--population", "1")
        time.sleep(0.5)
        worker.kill()
        worker.communicate()
        succeed("search", "run", study, "-q", "--shard", "0/1", "--population", "1")
        succeed("search", "merge", study, self.place / "study.shard-0-of-1.db")
        self.assertEqual(drop_seconds(read_rows(study)), drop_seconds(read_rows(calm)))


class Errors(LaminaTest):
    def test_usage(self):
        for shard in ["1", "1/1", "-1/2", "0/0", "a/b", "0/2x", "/2"]:
            result = lamina("search", "run", "study.db", "--shard", shard)
            self.assertEqual(result.status, USAGE, shard)
            self.assertIn("--shard", result.err)
        result = lamina("search", "run", "study.db", "--shard", "0/2", "--mpi")
        self.assertEqual(result.status, USAGE)

    def test_files_that_are_in_the_way(self):
        study = make_study(self.place / "study.db", *PLAN)
        make_study(self.place / "study.shard-0-of-2.db", *PLAN)
        self.assert_one_message(lamina("search", "run", study, "--shard", "0/2"), BAD_STUDY,
                                "study.shard-0-of-2.db")

    def test_samplers_that_learn(self):
        study = make_study(self.place / "tpe.db", *SPACE, "--sampler", "tpe", "--trials", "5")
        self.assert_one_message(lamina("search", "run", study, "--shard", "0/2"), USAGE,
                                "sampler")


if __name__ == "__main__":
    unittest.main()
