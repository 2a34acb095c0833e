#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count the tests that meson ran: count_tests.py LOG.json..

Every subtest counts where a test tells them apart (TAP, Python's unittest), else the test as a
whole. Prints a line for each log, and at last "N passed, N failed, N skipped" over all of them.
Exit status 1 when a test failed, a log is missing, or nothing passed.
"""

import json
import pathlib
import re
import sys
from collections import Counter

TAP = re.compile(r"^(ok|not ok)\b[^#\n]*(?:# *(SKIP))?", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in [^\n]*\n+(?:OK|FAILED)([^\n]*)", re.MULTILINE)
UNITTEST_COUNT = re.compile(r"([a-z ]+)=(\d+)")


def count_tap(text):
    counts = Counter()
    for verdict, directive in TAP.findall(text):
        counts["skipped" if directive else "passed" if verdict == "ok" else "failed"] += 1
    return counts


def count_unittest(text):
    counts = Counter()
    for total, details in UNITTEST.findall(text):
        numbers = {name.strip(): int(count) for name, count in UNITTEST_COUNT.findall(details)}
        skipped = numbers.get("skipped", 0) + numbers.get("expected failures", 0)
        problems = sum(numbers.get(name, 0) for name in ("failures", "errors",
                                                         "unexpected successes"))
        # One test may have several problems, in its subtests.
        failed = min(problems, max(0, int(total) - skipped))
        counts.update(passed=int(total) - failed - skipped, failed=failed, skipped=skipped)
    return counts


def count_test(test):
    counts = count_tap(test.get("stdout", "")) or count_unittest(
        test.get("stdout", "") + "\n" + test.get("stderr", ""))
    is_good = test["result"] == "OK"
    if test["result"] == "SKIP" and not counts:
        return Counter(skipped=1)
    if not counts:
        return Counter(passed=int(is_good), failed=int(not is_good))
    # A suite that crashed or timed out may not have told of its failure.
    if not is_good and test["result"] != "SKIP" and counts["failed"] == 0:
        counts["failed"] = 1
    return counts


def read_tests(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def format_counts(counts):
    return ", ".join(f"{counts[name]} {name}" for name in ("passed", "failed", "skipped"))


def main():
    total, missing = Counter(), False
    for path in map(pathlib.Path, sys.argv[1:]):
        if not path.is_file():
            print(f"{path.stem + ':':<12}did not run")
            missing = True
            continue
        counts = sum((count_test(test) for test in read_tests(path)), Counter())
        print(f"{path.stem + ':':<12}{format_counts(counts)}")
        total += counts
    print(format_counts(total))
    return missing or total["failed"] > 0 or total["passed"] == 0


if __name__ == "__main__":
    sys.exit(main())
