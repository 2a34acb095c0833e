# SPDX-License-Identifier: Apache-2.0
"""Model files taken apart and put together by hand, after the safetensors format's text."""

import json
import struct
from pathlib import Path

ITEM_BYTES = {"F32": 4, "F64": 8}


def read(path):
    """The header and the bytes behind it."""
    content = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    return json.loads(content[8:8 + length]), content[8 + length:]


def write(path, header, data):
    """`header` may be bytes, to write one that is no JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def get_values(header, data, name):
    """One tensor as a flat tuple of numbers."""
    entry = header[name]
    begin, end = entry["data_offsets"]
    code = {"F32": "f", "F64": "d"}[entry["dtype"]]
    return struct.unpack(f"<{(end - begin) // ITEM_BYTES[entry['dtype']]}{code}",
                         data[begin:end])


def set_value(header, data, name, index, value):
    """The data with one number of one tensor replaced."""
    entry = header[name]
    item = ITEM_BYTES[entry["dtype"]]
    at = entry["data_offsets"][0] + index * item
    code = {"F32": "<f", "F64": "<d"}[entry["dtype"]]
    return data[:at] + struct.pack(code, value) + data[at + item:]
