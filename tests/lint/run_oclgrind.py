#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a suite of kernel tests in Oclgrind, an OpenCL device that watches every access.

usage: run_oclgrind.py races|uninitialized PROGRAM

Two results: the suite passes there, and Oclgrind reports nothing. It always reports accesses
outside buffers and misuse of the API; `races` adds data races between work-items,
`uninitialized` the use of values that nobody wrote. The suites keep to small problems
(LAM_TEST_QUICK) and do not fork (CK_FORK).
"""

import os
import subprocess
import sys
import tempfile
from shutil import which

from tree import Report

CHECKS = {"races": "--data-races", "uninitialized": "--uninitialized"}
QUICK = {"LAM_TEST_QUICK": "1", "CK_FORK": "no", "CK_VERBOSITY": "normal", "LAMINA_DEVICE": ""}


def run_suite(check, program):
    """Exit status, what the suite printed, what Oclgrind reported (API misuse on stderr)."""
    with tempfile.NamedTemporaryFile("r", prefix="oclgrind-", errors="replace") as log:
        command = ["oclgrind", "--check-api", "--max-errors", "10", "--log", log.name, check]
        result = subprocess.run([*command, program], env={**os.environ, **QUICK}, text=True,
                                capture_output=True)
        return result.returncode, result.stdout, log.read() + result.stderr


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in CHECKS:
        sys.exit(__doc__)
    report = Report()
    what = f"{os.path.basename(sys.argv[2])}, {sys.argv[1]}"
    if which("oclgrind"):
        status, output, messages = run_suite(CHECKS[sys.argv[1]], sys.argv[2])
        report.case(f"{what}: passes", output.splitlines() if status else [])
        report.case(f"{what}: nothing reported", messages.splitlines())
    else:
        report.skip(what, "oclgrind is not installed")
    report.finish()


if __name__ == "__main__":
    main()
