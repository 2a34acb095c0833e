#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write kernel sources as a C table: embed.py OUTPUT.c INPUT..."""
import pathlib
import sys

output, inputs = sys.argv[1], [pathlib.Path(name) for name in sys.argv[2:]]
lines = ['#include "kernel/source.h"', ""]
for number, path in enumerate(inputs):
    values = ",".join(str(byte) for byte in path.read_bytes() + b"\0")
    lines.append(f"static const char source_{number}[] = {{{values}}};")
lines += ["", "const lam_embedded_source lam_embedded_sources[] = {"]
lines += [f'    {{"{path.name}", source_{number}}},' for number, path in enumerate(inputs)]
lines += ["    {0, 0},", "};", ""]
pathlib.Path(output).write_text("\n".join(lines))
