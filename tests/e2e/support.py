# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: running `lamina`, small runs and small data files.

meson sets LAMINA to the program and LAMINA_SOURCE_ROOT to the source tree.
"""

import csv
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

LAMINA = os.environ["LAMINA"]
SOURCE_ROOT = Path(os.environ["LAMINA_SOURCE_ROOT"])
RECIPE = str(SOURCE_ROOT / "results/a2-fig4/recipe.yaml")
COMMANDS = ["devices", "train", "evaluate", "predict", "ensemble", "watch", "plot", "report",
            "export", "preview", "check-gradients", "bench", "tune", "lambda-search", "search",
            "lr-range", "reproduce", "recipe", "schedule"]
RUN_FILES = ["best.safetensors", "metrics.csv", "model.safetensors", "run.json"]
METRICS_HEADER = (
    "step,epoch,learning_rate,train_loss,train_cost,train_accuracy,"
    "validation_loss,validation_cost,validation_accuracy"
)

OK = 0
CHECK_FAILED = 1
USAGE = 2
BAD_DATA = 3
BAD_RECIPE = 4
NO_DEVICE = 5
BAD_DEVICE = 6
BAD_KERNEL = 7
BAD_MODEL = 8
BAD_OUTPUT = 9
NO_MEMORY = 10
DIVERGED = 11
BAD_STUDY = 12
TRIALS_FAILED = 13
NO_RENDERER = 14
INTERRUPTED = 130

# 10 steps in a fraction of a second, on made-up images.
SMALL = ["--data", "synthetic", "--set", "data.train_first=500", "--set", "stop={epochs: 2}"]
# 100 steps, enough to learn something.
LEARNING = ["--data", "synthetic", "--set", "data.train_first=1000", "--set",
            "schedule={type: constant, rate: 0.02}", "--set", "measure={every_epochs: 2}",
            "--set", "stop={epochs: 10}"]

# A gradient check that takes a moment.
REDUCED_CHECK = ["check-gradients", str(SOURCE_ROOT / "results/a2-fig3/recipe.yaml"), "--data",
                 "synthetic", "--inputs", "20", "--entries", "30"]

ROWS_PER_FILE = 10000
IMAGE_BYTES = 3072
FILE_BYTES = ROWS_PER_FILE * (1 + IMAGE_BYTES)


class Result:
    """How one call of the program ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def messages(self):
        """Lines of stderr that neither name the device nor tell progress."""
        return [line for line in self.err.splitlines()
                if not re.match(r"device \d+( \(part .*\))?: |epoch \d", line)]


def environment(**changes):
    """The caller's environment without Lamina's own variables, and without tuning and a cache of
    programs, which take time and leave files; None removes a variable."""
    result = {key: value for key, value in os.environ.items() if not key.startswith("LAMINA")}
    result.update(LAMINA_TUNE="off", LAMINA_PROGRAM_CACHE="off")
    result.update({key: value for key, value in changes.items() if value is not None})
    for key in [key for key, value in changes.items() if value is None]:
        result.pop(key, None)
    return result


def lamina(*arguments, env=None, **options):
    """Runs the program to its end; `env` holds changes to the environment."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("timeout", 300)
    done = subprocess.run([LAMINA, *map(str, arguments)], env=environment(**(env or {})),
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          check=False, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def succeed(*arguments, **options):
    """Runs the program, which must exit with 0."""
    result = lamina(*arguments, **options)
    if result.status != OK:
        raise AssertionError(f"lamina {' '.join(map(str, arguments))}: exit status "
                             f"{result.status}\n{result.err}")
    return result


def train(folder, *arguments, **options):
    """Trains the small recipe into `folder`; must succeed."""
    return succeed("train", RECIPE, "-q", "-o", folder, *arguments, **options)


def start(*arguments, env=None, **options):
    """Starts the program without waiting for it; its stderr must be read or be small."""
    return subprocess.Popen([LAMINA, *map(str, arguments)], env=environment(**(env or {})),
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **options)


def wait_until(condition, process, seconds=120):
    """Waits for `condition` while the process lives."""
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            raise AssertionError(f"ended early with {process.returncode}: "
                                 f"{process.stderr.read()}")
        if time.monotonic() > end:
            process.kill()
            raise AssertionError("what was waited for did not come")
        time.sleep(0.01)


def devices():
    """The usable devices, as `lamina devices --json` lists them."""
    listed = json.loads(succeed("devices", "--json").out)["devices"]
    return [device for device in listed if device["usable"]]


def read_record(folder):
    """run.json, which must be strict JSON: no NaN."""
    def refuse(constant):
        raise AssertionError(f"{folder}/run.json holds {constant}")
    return json.loads((Path(folder) / "run.json").read_text(), parse_constant=refuse)


def read_metrics(folder):
    """The rows of metrics.csv as lists of texts, without the header."""
    with open(Path(folder) / "metrics.csv", newline="") as file:
        return list(csv.reader(file))[1:]


def count_complete_rows(folder):
    """Rows of a metrics.csv that may still be growing."""
    path = Path(folder) / "metrics.csv"
    return max(0, path.read_bytes().count(b"\n") - 1) if path.exists() else 0


def take_snapshot(folder):
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def make_blank_file(path, size=FILE_BYTES):
    """A sparse file in CIFAR-10's layout: every image black and of class 0."""
    with open(path, "wb") as file:
        file.truncate(size)


def make_learnable_file(path, seed):
    """A file in CIFAR-10's layout: each class has a faint pattern under noise."""
    patterns = random.Random(1)
    draw = random.Random(seed)
    faint = int.from_bytes(b"\x0f" * IMAGE_BYTES, "little")
    noise = int.from_bytes(b"\x7f" * IMAGE_BYTES, "little")
    templates = [int.from_bytes(patterns.randbytes(IMAGE_BYTES), "little") & faint
                 for _ in range(10)]
    with open(path, "wb") as file:
        for _ in range(ROWS_PER_FILE):
            label = draw.randrange(10)
            # At most 15 + 127 a pixel: no carry into the next one.
            pixels = (int.from_bytes(draw.randbytes(IMAGE_BYTES), "little") & noise)
            pixels += templates[label]
            file.write(bytes([label]) + pixels.to_bytes(IMAGE_BYTES, "little"))


class LaminaTest(unittest.TestCase):
    """A test class with a folder of its own, `self.place`."""

    @classmethod
    def setUpClass(cls):
        cls.place = Path(tempfile.mkdtemp(prefix="lamina-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)

    def assert_one_message(self, result, status, *fragments):
        """The program failed with `status`, printed nothing on stdout and one line on stderr
        that holds every fragment."""
        self.assertEqual(result.status, status, result.err)
        self.assertEqual(result.out, "")
        self.assertEqual(len(result.messages), 1, result.err)
        self.assertTrue(result.messages[0].startswith("lamina"), result.err)
        for fragment in fragments:
            self.assertIn(fragment, result.messages[0])
