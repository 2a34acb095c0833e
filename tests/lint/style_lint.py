#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds all files to the house style, as far as a program can see it.

An SPDX line, no tabs or trailing blanks, one newline at the end, no notes of unfinished work;
C as clang-format writes it; shell that shellcheck accepts; every source listed in the
meson.build that builds it.
"""

import re
import subprocess
from shutil import which

from tree import ROOT, Report, in_parallel, list_files, name_of

SPDX = "SPDX-License-Identifier: Apache-2.0"
CODE = {".c", ".h", ".cl", ".clh", ".css", ".js", ".py", ".sh", ".yaml", ".yml"}
# What is laid out by hand: tables and drawings are as their programs write them.
TEXT = CODE | {".md", ".txt", ".json", ".csv"}
BY_NAME = {"meson.build", "meson_options.txt", ".clang-format", ".editorconfig"}
# In pieces, so that this file passes.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")
# Debian 12's. Other versions lay out some lines otherwise.
CLANG_FORMAT_VERSION = "14."


def first_line(path):
    with path.open("rb") as file:
        return file.readline().decode(errors="replace")


def is_script(path):
    return first_line(path).startswith("#!")


def is_shell(path):
    line = first_line(path).rstrip()
    return path.suffix == ".sh" or (line.startswith("#!") and line.endswith("sh"))


def is_code(path):
    return path.suffix in CODE or path.name in BY_NAME or is_script(path)


def find_lines(text, is_bad):
    return [number for number, line in enumerate(text.split("\n"), 1) if is_bad(line)]


class Texts:
    """All text files, read once; each rule gives its problems."""

    def __init__(self, paths):
        self.texts = {path: path.read_text(encoding="utf-8", errors="replace")
                      for path in paths if path.suffix in TEXT or is_code(path)}

    def _at(self, is_bad):
        return [f"{name_of(path)}:{number}" for path, text in self.texts.items()
                for number in find_lines(text, is_bad)]

    def without_spdx(self):
        return [name_of(path) for path, text in self.texts.items()
                if is_code(path) and SPDX not in "\n".join(text.splitlines()[:2])]

    def with_bad_blanks(self):
        return self._at(lambda line: "\t" in line or "\r" in line or line != line.rstrip(" "))

    def with_bad_end(self):
        return [name_of(path) for path, text in self.texts.items()
                if not text.endswith("\n") or text.endswith("\n\n")]

    def not_utf8(self):
        return self._at(lambda line: "\ufffd" in line)

    def unfinished(self):
        return self._at(UNFINISHED.search)


def run(*command):
    """The messages of a checker that found something."""
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    lines = (result.stdout + result.stderr).splitlines()
    return (lines[:20] or [f"{' '.join(command)} failed"]) if result.returncode else []


def check_with(command, paths):
    found = in_parallel(lambda path: run(*command, str(path)), paths)
    return [problem for problems in found for problem in problems]


def check_layout(report, paths):
    name = "C as clang-format lays it out"
    if not which("clang-format"):
        report.skip(name, "clang-format is not installed")
        return
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True)
    if f"version {CLANG_FORMAT_VERSION}" not in version.stdout:
        report.skip(name, f"not version {CLANG_FORMAT_VERSION}x: {version.stdout.strip()}")
        return
    c_files = [path for path in paths if path.suffix in (".c", ".h")]
    report.case(name, check_with(["clang-format", "--dry-run", "-Werror"], c_files))


def check_shell(report, paths):
    name = "shell scripts pass shellcheck"
    if which("shellcheck"):
        report.case(name, check_with(["shellcheck", "-x"], filter(is_shell, paths)))
    else:
        report.skip(name, "shellcheck is not installed")


def is_listed(path, builds):
    """Quoted in its folder's meson.build, or in one above by its path from there. A test named
    test_x.c may be listed as its suite, 'x'."""
    for folder in path.parents:
        names = {path.relative_to(folder).as_posix()}
        if path.parent == folder == ROOT / "tests" and path.name.startswith("test_"):
            names.add(path.stem[len("test_"):])
        if any(f"'{name}'" in builds.get(folder, "") for name in names):
            return True
        if folder == ROOT:
            return False
    return False


def find_unlisted(paths):
    builds = {path.parent: path.read_text() for path in paths if path.name == "meson.build"}
    for path in paths:
        is_public = path.suffix == ".h" and path.is_relative_to(ROOT / "include")
        if (path.suffix in (".c", ".cl", ".clh") or is_public) and not is_listed(path, builds):
            yield f"{name_of(path)}: no meson.build lists it"


def main():
    report = Report()
    paths = list(list_files())
    texts = Texts(paths)
    report.case("an SPDX line at the top of every source", texts.without_spdx())
    report.case("no tabs, carriage returns or trailing blanks", texts.with_bad_blanks())
    report.case("files end with one newline", texts.with_bad_end())
    report.case("texts are UTF-8", texts.not_utf8())
    report.case("no notes of unfinished work", texts.unfinished())
    report.case("every source is listed in a meson.build", find_unlisted(paths))
    check_layout(report, paths)
    check_shell(report, paths)
    report.finish()


if __name__ == "__main__":
    main()
