# SPDX-License-Identifier: Apache-2.0
"""Event files of TensorBoard taken apart by hand, after the descriptions of TensorFlow's record
files and of the wire format of Protocol Buffers."""

import struct
from pathlib import Path

VARINT, BITS_64, LENGTH, BITS_32 = 0, 1, 2, 5


def shift(crc):
    for _ in range(8):
        crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc


TABLE = [shift(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc ^ 0xffffffff


def mask(crc):
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def split_records(data):
    """The messages of a file, whose CRCs must be right."""
    while data:
        length, length_crc = struct.unpack_from("<QI", data)
        assert length_crc == mask(crc32c(data[:8])), "a length's CRC"
        message, (crc,) = data[12:12 + length], struct.unpack_from("<I", data, 12 + length)
        assert crc == mask(crc32c(message)), "a message's CRC"
        yield message
        data = data[16 + length:]


def read_varint(data):
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7f) << 7 * place
        if byte < 0x80:
            return value, data[place + 1:]
    raise AssertionError("a varint without an end")


def decode(message):
    """{field: [values]}: integers, floats, and bytes of all that has a length."""
    fields = {}
    while message:
        key, message = read_varint(message)
        field, wire = key >> 3, key & 7
        if wire == VARINT:
            value, message = read_varint(message)
        elif wire == LENGTH:
            length, message = read_varint(message)
            value, message = message[:length], message[length:]
            assert len(value) == length, "a field that is cut short"
        else:
            code, size = {BITS_64: ("<d", 8), BITS_32: ("<f", 4)}[wire]
            (value,), message = struct.unpack_from(code, message), message[size:]
        fields.setdefault(field, []).append(value)
    return fields


def find(folder):
    """The one event file of a folder."""
    files = [path for path in Path(folder).iterdir() if "tfevents" in path.name]
    assert len(files) == 1, files
    return files[0]


class Events:
    """What a folder's event file holds, by tag: lists of (step, value)."""

    def __init__(self, folder):
        self.scalars, self.images, self.histograms, self.plugins = {}, {}, {}, {}
        self.times, self.version = [], None
        for message in split_records(find(folder).read_bytes()):
            event = decode(message)
            self.times.append(event[1][0])
            if 3 in event:
                self.version = event[3][0].decode()
            for summary in event.get(5, []):
                for value in decode(summary)[1]:
                    self.add(event[2][0], decode(value))

    def add(self, step, value):
        tag = value[1][0].decode()
        for field, target in [(2, self.scalars), (4, self.images), (5, self.histograms)]:
            if field in value:
                content = value[field][0]
                target.setdefault(tag, []).append(
                    (step, content if field == 2 else decode(content)))
        if 9 in value:
            plugin = decode(decode(value[9][0])[1][0])
            self.plugins[tag] = (plugin[1][0].decode(), decode(plugin[2][0]))

    def get_hparams(self):
        """The session's hyper-parameters, and its group."""
        plugin, data = self.plugins["_hparams_/session_start_info"]
        assert plugin == "hparams", plugin
        start = decode(data[3][0])
        result = {}
        for entry in map(decode, start[1]):
            (kind, (value,)), = decode(entry[2][0]).items()
            result[entry[1][0].decode()] = {2: lambda v: v, 3: bytes.decode, 4: bool}[kind](value)
        return result, start[4][0].decode()

    def get_outcome(self):
        """The session's status: 1 is success, 2 failure; None while it goes on."""
        end = self.plugins.get("_hparams_/session_end_info")
        return decode(end[1][4][0])[1][0] if end else None
