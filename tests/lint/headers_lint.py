#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each public header compiles by itself, twice included, as strict C17 and as C++17.

Arguments: the C and the C++ compiler, each a command in one word; default: cc and c++.
"""

import shlex
import subprocess
import sys

from tree import ROOT, Report, in_parallel, list_files, name_of

WARNINGS = ["-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-fsyntax-only"]


def compile_alone(case):
    header, compiler, language, standard = case
    text = f'#include "lamina/{header.name}"\n' * 2 + "typedef int no_empty_unit;\n"
    command = [*compiler, "-x", language, f"-std={standard}", *WARNINGS]
    result = subprocess.run([*command, f"-I{ROOT / 'include'}", "-"], input=text,
                            capture_output=True, text=True)
    return result.stderr.splitlines() if result.returncode else []


def main():
    c, cpp = (shlex.split(command) for command in (sys.argv[1:] + ["cc", "c++"])[:2])
    cases = [(header, *how) for header in list_files(ROOT / "include" / "lamina")
             if header.suffix == ".h"
             for how in ((c, "c", "c17"), (cpp, "c++", "c++17"))]
    report = Report()
    for case, problems in zip(cases, in_parallel(compile_alone, cases)):
        report.case(f"{name_of(case[0])} as {case[3]}", problems)
    report.finish()


if __name__ == "__main__":
    main()
