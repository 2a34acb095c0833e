#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write texts as a C table of lam_embedded_source: embed.py OUTPUT.c HEADER TABLE INPUT..."""
import pathlib
import sys

output, header, table = sys.argv[1:4]
inputs = [pathlib.Path(name) for name in sys.argv[4:]]
lines = [f'#include "{header}"', ""]
for number, path in enumerate(inputs):
    values = ",".join(str(byte) for byte in path.read_bytes() + b"\0")
    lines.append(f"static const char source_{number}[] = {{{values}}};")
lines += ["", f"const lam_embedded_source {table}[] = {{"]
lines += [f'    {{"{path.name}", source_{number}}},' for number, path in enumerate(inputs)]
lines += ["    {0, 0},", "};", ""]
pathlib.Path(output).write_text("\n".join(lines))
