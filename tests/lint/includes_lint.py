#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds every #include to the table of rooms in src/README.md.

The table's columns "place" and "may include" are read from that page: a row such as
| `src/op/` | .. | base, device, kernel | lets src/op include those rooms and itself.
"""

import re
import sys

from tree import ROOT, Report, list_files, name_of

TABLE_PAGE = ROOT / "src" / "README.md"
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")', re.MULTILINE)
ROOM = re.compile(r"`src/(\w+)/`")
OPENCL = re.compile(r"CL/|clblast")
STANDARD = {"stdbool.h", "stddef.h", "stdint.h"}


def split_row(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def read_rooms(text):
    """{room: set of rooms it may include}, from the page's table."""
    rooms, columns = {}, None
    for line in text.splitlines():
        if not line.lstrip().startswith("|"):
            columns = None
            continue
        cells = split_row(line)
        if "place" in cells and "may include" in cells:
            columns = cells.index("place"), cells.index("may include")
        elif columns and len(cells) > max(columns) and (room := ROOM.match(cells[columns[0]])):
            allowed = cells[columns[1]]
            rooms[room[1]] = set() if allowed == "-" else set(allowed.split(", "))
    return rooms


def check_table(rooms):
    folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    problems = [f"src/{room}/ has no row" for room in sorted(folders - rooms.keys())]
    order = list(rooms)
    for room, allowed in rooms.items():
        for other in sorted(allowed):
            if other not in rooms:
                problems.append(f"{room} may include `{other}', which is no room")
            elif order.index(other) >= order.index(room):
                problems.append(f"{room} may include {other}, which stands no higher: "
                                "includes go down the table")
    return problems


def exists(name, *folders):
    return any((folder / name).is_file() for folder in folders)


class Rules:
    """What each file may include; a problem is a text, None means that it may."""

    def __init__(self, rooms):
        self.rooms = rooms

    def in_src(self, path, name, is_system):
        room = path.relative_to(ROOT / "src").parts[0]
        if is_system:
            if OPENCL.match(name) and room != "device":
                return "only src/device/ sees OpenCL and CLBlast"
            return None
        other, slash, _ = name.partition("/")
        if not slash:
            return f'write it as "{room}/{name}"'
        if other not in self.rooms or not exists(name, ROOT / "src"):
            return "there is no such header in src/ or include/"
        if name == "device/opencl.h" and room != "device":
            return "only src/device/ sees OpenCL and CLBlast"
        if other != room and other not in self.rooms[room]:
            return f"src/{room}/ may not include src/{other}/ (see src/README.md)"
        return None

    def in_include(self, path, name, is_system):
        if not is_system:
            return "public headers include public headers alone"
        return None if name in STANDARD else f"public headers keep to {sorted(STANDARD)}"

    def in_tools(self, path, name, is_system):
        if is_system:
            return "tools know no OpenCL" if OPENCL.match(name) else None
        return None if exists(name, path.parent) else "tools include lamina/*.h and their own"

    def in_tests(self, path, name, is_system):
        if is_system:
            return "only src/device/ sees OpenCL and CLBlast" if OPENCL.match(name) else None
        return None if exists(name, ROOT / "tests", ROOT / "src") else "there is no such header"

    def check(self, path):
        rule = {"src": self.in_src, "include": self.in_include, "tools": self.in_tools,
                "tests": self.in_tests}[path.relative_to(ROOT).parts[0]]
        text = path.read_text()
        problems = []
        for match in INCLUDE.finditer(text):
            system, own = match.groups()
            if own and own.startswith("lamina/"):
                problem = None if exists(own, ROOT / "include") else "there is no such header"
            elif system and system.startswith("lamina/"):
                problem = 'write it in quotes'
            else:
                problem = rule(path, system or own, bool(system))
            if problem:
                line = text.count("\n", 0, match.start(1 if system else 2)) + 1
                problems.append(f"{name_of(path)}:{line}: {system or own}: {problem}")
        return problems


def main():
    if not TABLE_PAGE.is_file() or not (rooms := read_rooms(TABLE_PAGE.read_text())):
        sys.exit(f"{TABLE_PAGE}: no table with the columns `place' and `may include'")
    for room in rooms:
        if not (ROOT / "src" / room).is_dir():
            sys.exit(f"{TABLE_PAGE}: there is no folder src/{room}/")
    report = Report()
    report.case("src/README.md: table of rooms", check_table(rooms))
    rules = Rules(rooms)
    for place in ("include", *(f"src/{room}" for room in rooms), "tools", "tests"):
        problems = [problem for path in list_files(ROOT / place) if path.suffix in (".c", ".h")
                    for problem in rules.check(path)]
        report.case(f"includes of {place}/", problems)
    report.finish()


if __name__ == "__main__":
    main()
