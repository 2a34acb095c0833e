# SPDX-License-Identifier: Apache-2.0
"""`tools/bench-peers`: its files, and what it does about peers that fail and about Ctrl-C."""

import json
import signal
import subprocess
import sys
import unittest

from support import (INTERRUPTED, LAMINA, SOURCE_ROOT, USAGE, LaminaTest, environment,
                     wait_until)

SCRIPT = str(SOURCE_ROOT / "tools/bench-peers")
TINY = ["--nets", "12-3:9000", "--rounds", "1", "--epochs", "1"]
FAILED = 1

# Stands for a Python that has every module: `import` works, and then comes what a test wants.
PEER = """#!/bin/sh
[ "$1" = -c ] && exit 0
{}
"""
ANSWER = ('echo \'{{"version": "1", "blas": "none", "threads": 1, "net": "12-3", "batch": {}, "batch_norm": false, '
          '"steps_per_epoch": 5, "seconds_per_epoch": 2.5}}\'')
# Stands for lamina.
SCALING = """#!/bin/sh
cat <<END
{"device": "Some Device", "platform": "P", "driver_version": "1", "lamina": "0", "complete": true,
 "left_out": 0, "limits": {"fma_gflops": 1, "copy_gbytes_per_second": 1, "launch_us": 1,
 "round_trip_us": 1}, "scaling": [
 {"width": 16, "batch": 10, "us_per_step": 1500, "floor_us": 1000, "ratio": 1.5, "is_cliff": false},
 {"width": 64, "batch": 10, "us_per_step": 8000, "floor_us": 2000, "ratio": 4.0, "is_cliff": true}]}
END
"""


def has_numpy():
    return subprocess.run([sys.executable, "-c", "import numpy"], capture_output=True,
                          check=False).returncode == 0


class BenchPeers(LaminaTest):
    def setUp(self):
        self.output = self.place / self.id().rsplit(".", maxsplit=1)[-1]

    def get_command(self, *arguments):
        return [sys.executable, SCRIPT, "--lamina", LAMINA, "--output", str(self.output),
                *arguments]

    def run_script(self, *arguments):
        return subprocess.run(self.get_command(*arguments), env=environment(), text=True,
                              capture_output=True, check=False, timeout=300)

    def make_program(self, name, text):
        path = self.place / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def read_only_record(self, suffix):
        """The record, and the text for people: the two files that must be there alone."""
        names = sorted(path.name for path in self.output.iterdir())
        self.assertEqual(len(names), 2, names)
        self.assertTrue(names[0].endswith(suffix + ".json"), names)
        self.assertEqual(names[1], names[0][:-len("json")] + "md")
        return (json.loads((self.output / names[0]).read_text()),
                (self.output / names[1]).read_text())

    @unittest.skipUnless(has_numpy(), "no NumPy")
    def test_numpy_beside_lamina(self):
        done = self.run_script(*TINY, "--python", sys.executable)
        self.assertEqual(done.returncode, 0, done.stderr)
        record, text = self.read_only_record("")
        self.assertTrue(record["complete"])
        self.assertEqual(record["failures"], [])
        figures = record["rows"][0]["rounds"][0]
        ratio = record["rows"][0]["ratios"]["numpy f32"]
        self.assertAlmostEqual(ratio["median"], figures["numpy f32"] / figures["lamina"])
        self.assertLessEqual({"version", "blas", "threads"},
                             set(record["versions"]["numpy f32"]))
        self.assertIn("numpy f32", done.stdout)
        self.assertIn("| 12-3 | 9000 |", text)
        self.assertNotIn("Partial", text)

    @unittest.skipUnless(has_numpy(), "no NumPy")
    def test_nets_with_and_without_normalization(self):
        done = self.run_script("--nets", "12-7-3:9000", "12-7-3:9000:bn", "--rounds", "1",
                               "--epochs", "1", "--python", sys.executable)
        self.assertEqual(done.returncode, 0, done.stderr)
        record, text = self.read_only_record("")
        self.assertEqual([row["batch_norm"] for row in record["rows"]], [False, True])
        plain, normalized = (row["launches_per_step"] for row in record["rows"])
        self.assertNotEqual(plain, normalized)
        for row in record["rows"]:
            self.assertIn("numpy f32", row["ratios"])
        self.assertIn("| 12-7-3 | 9000 |", text)
        self.assertIn("| 12-7-3:bn | 9000 |", text)

    def test_option_normalizes_all_nets(self):
        python = self.make_program("bare-python", "#!/bin/sh\nexit 1\n")
        done = self.run_script(*TINY, "--batch-norm", "--python", python)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.read_only_record("")[0]["rows"][0]["batch_norm"])
        self.assertEqual(self.run_script("--scaling", "--batch-norm").returncode, USAGE)

    def test_peer_without_normalization_does_not_count(self):
        python = self.make_program("plain-python", PEER.format(ANSWER.format(9000)))
        done = self.run_script(*TINY, "--batch-norm", "--python", python)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("'batch_norm': False", done.stderr)

    def test_absent_peers_are_said_and_left_out(self):
        python = self.make_program("bare-python", "#!/bin/sh\nexit 1\n")
        done = self.run_script(*TINY, "--python", python)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("numpy f32: ", done.stderr)
        self.assertIn("python3-torch", done.stderr)
        record, _ = self.read_only_record("")
        self.assertIn("lamina", record["rows"][0]["rounds"][0])
        self.assertEqual(record["rows"][0]["ratios"], {})

    def test_ratio_is_peer_over_lamina(self):
        python = self.make_program("right-python", PEER.format(ANSWER.format(9000)))
        done = self.run_script(*TINY, "--python", python)
        self.assertEqual(done.returncode, 0, done.stderr)
        record, _ = self.read_only_record("")
        row = record["rows"][0]
        self.assertAlmostEqual(row["ratios"]["numpy f64"]["median"],
                               2.5 / row["rounds"][0]["lamina"])

    def test_failed_peer_is_named_and_the_rest_kept(self):
        python = self.make_program("failing-python", PEER.format("echo out of luck >&2; exit 3"))
        done = self.run_script(*TINY, "--python", python)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("out of luck", done.stderr)
        record, text = self.read_only_record("")
        self.assertIn("exit status 3: out of luck", record["failures"][0])
        self.assertIn("lamina", record["rows"][0]["rounds"][0])
        self.assertIn("out of luck", text)

    def test_peer_with_another_batch_does_not_count(self):
        python = self.make_program("wrong-python", PEER.format(ANSWER.format(100)))
        done = self.run_script(*TINY, "--python", python)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("'batch': 100", done.stderr)
        self.assertEqual(self.read_only_record("")[0]["rows"][0]["ratios"], {})

    def test_interrupted_rounds_are_kept_as_partial(self):
        python = self.make_program("slow-python", PEER.format(
            f'[ -e {self.place}/second ] && exec sleep 60\n'
            f'[ "$OMP_NUM_THREADS" = 1 ] && touch {self.place}/second\n' + ANSWER.format(9000)))
        with subprocess.Popen(
                self.get_command(*TINY[:2], "--rounds", "2", "--epochs", "1", "--python", python),
                env=environment(), text=True, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE) as process:
            wait_until(lambda: self.output.is_dir() and
                       any(self.output.glob("*.partial.md")), process)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, INTERRUPTED, err)
        record, text = self.read_only_record(".partial")
        self.assertEqual((record["complete"], record["ended"]), (False, "interrupted"))
        self.assertIn("numpy f32", record["rows"][0]["ratios"])
        self.assertIn("**Partial results**: interrupted", text)

    def test_program_that_is_not_there(self):
        done = self.run_script(*TINY, "--lamina", str(self.place / "none"), "--python",
                               self.make_program("bare-python", "#!/bin/sh\nexit 1\n"))
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("build first", done.stderr)
        self.assertFalse(self.output.exists())

    def test_illegal_nets_are_usage_errors(self):
        for item in ["3072-10", "3072:10", "3072-10:0", "3072-10:45001", "x", "3072-10:bn",
                     "3072-10:100:nb"]:
            with self.subTest(item):
                done = self.run_script("--nets", item)
                self.assertEqual(done.returncode, USAGE)
                self.assertIn("legal: NET:BATCH", done.stderr)

    def test_scaling_marks_cliffs(self):
        done = self.run_script("--scaling", "--lamina", self.make_program("lamina", SCALING))
        self.assertEqual(done.returncode, 0, done.stderr)
        record, text = self.read_only_record("some-device-scaling")
        self.assertEqual(len(record["scaling"]), 2)
        self.assertIn("| 16 | 1.50 (1.5) |", text)
        self.assertIn("| 64 | **4.00** (8) |", text)


if __name__ == "__main__":
    unittest.main()
