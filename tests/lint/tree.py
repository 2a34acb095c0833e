# SPDX-License-Identifier: Apache-2.0
"""What the lint scripts share: the files of the source tree, and results in TAP.

Each lint runs by itself, too: python3 tests/lint/<name>_lint.py
"""

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def is_source_folder(path):
    """Neither hidden nor made by a build or a run; .ci is the one hidden folder of ours."""
    place = str(path.relative_to(ROOT))
    if path.name == ".ci":
        return True
    return not (path.name.startswith(".") or path.name == "__pycache__"
                or place.startswith("build") or place in ("data", "runs"))


def list_files(folder=ROOT):
    """Every regular file of the tree below `folder`, sorted; links are not followed."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and is_source_folder(path):
            yield from list_files(path)


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def in_parallel(function, items):
    """function(item) for each, in order; for functions that wait for another program."""
    with ThreadPoolExecutor(cpu_count()) as pool:
        return list(pool.map(function, items))


class Report:
    """TAP on stdout: one result for each thing looked at, with its problems below it."""

    def __init__(self):
        self.count = 0

    def _print(self, verdict, name, remark=""):
        self.count += 1
        print(f"{verdict} {self.count} - {name.replace('#', '')}{remark}")

    def case(self, name, problems):
        problems = list(problems)
        self._print("not ok" if problems else "ok", name)
        for problem in problems:
            print(f"#   {problem}")

    def skip(self, name, reason):
        self._print("ok", name, f" # SKIP {reason}")

    def finish(self):
        print(f"1..{self.count}")
