#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles every kernel file in many variants without a device, and holds its head comment.

- The head comment has its parts in order, and explains every define that the file asks for.
- Variants: values of the defines that the head comment names, chosen so that any two values
  that are legal together meet in some variant (pairwise coverage). Each goes through clang as
  OpenCL C 1.2 with all warnings as errors, behind common.clh, as src/kernel/ joins them.
- An illegal value of any define meets an #error that names the define.

A new define needs a row in DEFINES below.
"""

import re
import subprocess
from heapq import heapify, heapreplace
from shutil import which

from tree import ROOT, Report, in_parallel, name_of

KERNELS = ROOT / "cl"
COMMON = KERNELS / "common.clh"

# name: (values to compile, illegal values)
DEFINES = {
    "ACTIVATION": ([0, 1, 2], [-1, 3]),
    "BACKWARD": ([0, 1], [2]),
    "BLOCK_ROWS": ([1, 20, 64], [0]),
    "CHAINS": ([1, 8, 32], [0, 33]),
    "CLASSES": ([1, 10, 33], [0]),
    "COLUMN_ITEMS": ([1, 4], [0, 17]),
    "DEPTH": ([8, 32], [4, 24]),
    "FLIP": ([0, 1], [2]),
    "DROPOUT": ([0, 1], [2]),
    "GATHER": ([0, 1], [2]),
    "GROUP_COLUMNS": ([4, 16], [2, 12]),
    "GROUP_ROWS": ([8, 16], [2, 12]),
    "IN_LOAD": ([1, 4], [3, 8]),
    "ITEM_VECTORS": ([1, 48], [0]),
    "ITERATIONS": ([1, 1000], [0]),
    "ITEM_TILES": ([1, 4], [0]),
    "LAST_LANES": ([1, 4, 10, 16], [0, 17]),
    "LAYERS": ([2, 3, 8], [1, 9]),
    "LEAD": ([0, 1], [2]),
    "LOSS": ([0, 1, 2], [-1, 3]),
    "NOISE": ([0, 1], [2]),
    "NORM": ([0, 1, 2], [-1, 3]),
    "OUT_LOAD": ([1, 2], [3, 8]),
    "PACK": ([0, 1], [2]),
    "PANELS": ([0, 1], [2]),
    "PART": ([0, 96], [-32, 100]),
    "REAL_BITS": ([32, 64], [16]),
    "ROW_ITEMS": ([1, 32], [0, 24, 128]),
    "SHARED": ([0, 1], [2]),
    "SKIP": ([0, 1, 2], [-1, 3]),
    "SKIP_IN": ([0, 1], [2]),
    "STATISTICS": ([0, 1, 2], [-1, 3]),
    "TAIL": ([0, 2, 4], [1, 8]),
    "TILE_ROWS": ([1, 4, 7, 8, 16], [0, 17]),
    "TILE_VECTORS": ([1, 2, 3, 4, 8], [0, 9]),
    "TRANSLATION": ([0, 3, 31], [-1, 32]),
    "UPDATE": ([0, 1, 2, 3, 4, 5], [-1, 6]),
    "VEC": ([4, 8, 16], [2, 32]),
    "WORK_COLUMNS": ([2, 8], [1, 16]),
    "WORK_ROWS": ([2, 4], [1, 16]),
}

# What a file needs besides: of each layer of a row.
LAYER_DEFINES = {f"{name}_{n}": value for n in range(8)
                 for name, value in (("IN", 10), ("OUT", 10), ("ACTIVATION", n % 3))}
EXTRA = {"small_layers.cl": {"INPUT_ACTIVATION": 1, **LAYER_DEFINES}}

# Values that are only legal together, as the files' head comments say.
RULES = {
    "augment.cl": [lambda v: v["GATHER"] == 1],
    "epilogue.cl": [
        lambda v: v["BLOCK_ROWS"] == 20,
        lambda v: v["NORM"] != 0 or v["STATISTICS"] == 0,
        lambda v: (v["ROW_ITEMS"] > 1) == (v["COLUMN_ITEMS"] > 1),
        lambda v: v["LAST_LANES"] <= v["VEC"],
    ],
    "gather.cl": [lambda v: v["GATHER"] == 1],
    "matmul_registers.cl": [
        lambda v: v["TAIL"] == 0 or v["VEC"] == 16,
        lambda v: v["PANELS"] + v["GATHER"] + v["SHARED"] < 2,
    ],
    "matmul_tiles.cl": [
        lambda v: v["WORK_ROWS"] * v["DEPTH"] % (4 * v["GROUP_COLUMNS"]) == 0,
        lambda v: v["WORK_COLUMNS"] * v["DEPTH"] % (4 * v["GROUP_ROWS"]) == 0,
    ],
}

# All variants of a kernel have one list of parameters, and some leave one of them unused.
CLANG = ["clang", "-x", "cl", "-cl-std=CL1.2", "-target", "spir64-unknown-unknown", "-Xclang",
         "-finclude-default-header", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
         "-Wno-unused-parameter", "-ferror-limit=5"]

PARTS = ("formula", "layout", "launch", "defines")
CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)$", re.MULTILINE)
DEFINITION = re.compile(r"^\s*#\s*define\s+(\w+)", re.MULTILINE)
DEFAULT = re.compile(r"^\s*#\s*ifndef\s+(\w+)\s*\n\s*#\s*define\s+\1\b", re.MULTILINE)
NAME = re.compile(r"\b[A-Z][A-Z0-9_]+\b")


def head_comment(text):
    return text[:text.find("*/")] if text.startswith("/*") else ""


def defines_explained(text):
    """The defines named in the head comment from "Defines:" on, in the order of DEFINES."""
    names = set(NAME.findall(head_comment(text).partition("Defines:")[2]))
    return [name for name in DEFINES if name in names]


def defines_asked_for(text):
    """Names that #if and the like look at, but for those that the file or common.clh makes."""
    asked = {name for condition in CONDITION.findall(text) for name in NAME.findall(condition)}
    known = text + COMMON.read_text()
    made = set(DEFINITION.findall(known)) - set(DEFAULT.findall(known))
    return asked - made


def check_head(path, text, parts):
    head = head_comment(text)
    problems = []
    if not text.startswith("/* SPDX-License-Identifier: Apache-2.0\n"):
        problems.append("does not begin with the SPDX line")
    at = [head.lower().find(part) for part in parts]
    problems += [f"the head comment has no {parts[i]}" for i in range(len(parts)) if at[i] < 0]
    if not problems and at != sorted(at):
        problems.append(f"the head comment's parts are not in the order {', '.join(parts)}")
    explained = set(defines_explained(text))
    if path != COMMON:
        explained |= set(defines_explained(COMMON.read_text()))
    for name in sorted(defines_asked_for(text) - explained):
        if name in DEFINES:
            problems.append(f"the head comment does not explain {name} under Defines")
        else:
            problems.append(f"DEFINES in tests/lint/kernels_lint.py has no values for {name}")
    return problems


def list_legal(names, rules):
    """Every legal variant, with the pairs of values that occur in it as bits of a number."""
    bits, variants = {}, [({}, 0)]
    for name in names:
        grown = []
        for variant, pairs in variants:
            for value in DEFINES[name][0]:
                more = pairs
                for other in variant.items() if variant or len(names) > 1 else [()]:
                    more |= bits.setdefault((other, name, value), 1 << len(bits))
                grown.append(({**variant, name: value}, more))
        variants = grown
    return [entry for entry in variants if all(rule(entry[0]) for rule in rules)]


def choose_variants(names, rules):
    """Legal variants until every legal pair of values occurs in one: each time the variant with
    the most pairs still missing. What a variant had of them before bounds what it has now, so
    that few are counted anew."""
    legal, missing, chosen = list_legal(names, rules), 0, []
    for _, pairs in legal:
        missing |= pairs
    queue = [(-pairs.bit_count(), index) for index, (_, pairs) in enumerate(legal)]
    heapify(queue)
    while missing:
        bound, best = queue[0]
        variant, pairs = legal[best]
        count = (pairs & missing).bit_count()
        if count < -bound:
            heapreplace(queue, (-count, best))
        else:
            missing &= ~pairs
            chosen.append(variant)
    return chosen


def compile_variant(path, variant):
    """clang's messages; none when the variant compiles."""
    text = "".join(f'#line 1 "{part.name}"\n{part.read_text()}\n'
                   for part in ([COMMON] if path == COMMON else [COMMON, path]))
    options = [f"-D{name}={value}"
               for name, value in {**EXTRA.get(path.name, {}), **variant}.items()]
    result = subprocess.run([*CLANG, *options, "-"], input=text, capture_output=True, text=True)
    return result.stderr.splitlines() if result.returncode else []


def describe(variant):
    return " ".join(f"{name}={value}" for name, value in variant.items())


def check_illegal(path, variant, name, value):
    messages = compile_variant(path, {**variant, name: value})
    if any("error:" in line and name in line.partition("error:")[2] for line in messages):
        return []
    return [f"no #error names {name} with {describe({**variant, name: value})}", *messages[:5]]


def check_file(report, path):
    text = path.read_text()
    report.case(f"{name_of(path)}: head comment",
                check_head(path, text, PARTS if path != COMMON else ("defines",)))
    if not which("clang"):
        report.skip(f"{name_of(path)}: variants", "clang is not installed")
        return
    names = defines_explained(text)
    variants = choose_variants(names, RULES.get(path.name, []))
    for variant, problems in zip(
            variants, in_parallel(lambda v: compile_variant(path, v), variants)):
        report.case(f"{name_of(path)}: {describe(variant)}", problems)
    for name in names:
        problems = [problem for value in DEFINES[name][1]
                    for problem in check_illegal(path, variants[0], name, value)]
        report.case(f"{name_of(path)}: illegal {name}", problems)


def main():
    report = Report()
    for path in [COMMON, *sorted(KERNELS.glob("*.cl"))]:
        check_file(report, path)
    report.finish()


if __name__ == "__main__":
    main()
