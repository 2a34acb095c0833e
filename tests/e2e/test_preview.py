# SPDX-License-Identifier: Apache-2.0
"""Pictures of augmented images, held against mirrored and moved images made in NumPy."""

import itertools
import struct
import unittest
import zlib

from support import (BAD_OUTPUT, BAD_RECIPE, IMAGE_BYTES, RECIPE, ROWS_PER_FILE, USAGE,
                     LaminaTest, lamina, make_blank_file, make_learnable_file, succeed)

try:
    import numpy
except ImportError:
    numpy = None

SIDE = 32
ENLARGEMENT = 4
GAP = 8
TRAIN_ROWS = 200


def read_chunks(content):
    at = 8
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        body = content[at + 8:at + 8 + length]
        if zlib.crc32(kind + body) != struct.unpack_from(">I", content, at + 8 + length)[0]:
            raise AssertionError(f"chunk {kind} is damaged")
        yield kind, body
        at += 12 + length


def predict(kind, left, up, corner):
    """What a PNG filter of type `kind` adds to a byte."""
    if kind == 4:
        estimate = left + up - corner
        return min((left, up, corner), key=lambda value: abs(estimate - value))
    return (0, left, up, (left + up) // 2)[kind]


def read_png(path):
    """uint8[height, width, 3] of a file of 8-bit RGB, not interlaced."""
    content = path.read_bytes()
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        raise AssertionError("no PNG file")
    chunks = list(read_chunks(content))
    width, height, *form = struct.unpack(">IIBBBBB", chunks[0][1])
    if form != [8, 2, 0, 0, 0]:
        raise AssertionError(f"not 8-bit RGB: {form}")
    lines = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    stride = 3 * width
    rows, above = [], bytearray(stride)
    for y in range(height):
        kind, *row = lines[y * (stride + 1):(y + 1) * (stride + 1)]
        for i in range(stride):
            left, corner = (row[i - 3], above[i - 3]) if i >= 3 else (0, 0)
            row[i] = (row[i] + predict(kind, left, above[i], corner)) & 255
        rows.append(row)
        above = row
    return numpy.array(rows, dtype=numpy.uint8).reshape(height, width, 3)


def cut_images(picture, rows, columns):
    """uint8[rows, columns, 3, 32, 32]; everything else must be white, and squares plain."""
    cell = SIDE * ENLARGEMENT + GAP
    if picture.shape != (rows * cell + GAP, columns * cell + GAP, 3):
        raise AssertionError(f"a picture of {picture.shape}")
    images = numpy.empty((rows, columns, 3, SIDE, SIDE), dtype=numpy.uint8)
    rest = picture.copy()
    for row, column in itertools.product(range(rows), range(columns)):
        top, left = row * cell + GAP, column * cell + GAP
        area = numpy.s_[top:top + cell - GAP, left:left + cell - GAP]
        small = picture[area][::ENLARGEMENT, ::ENLARGEMENT]
        numpy.testing.assert_array_equal(
            picture[area], small.repeat(ENLARGEMENT, axis=0).repeat(ENLARGEMENT, axis=1))
        images[row, column] = small.transpose(2, 0, 1)
        rest[area] = 255
    if not (rest == 255).all():
        raise AssertionError("there is colour between the images")
    return images


def move(image, mean, tx, ty):
    """The image moved right by tx and down by ty; the mean image where it left."""
    result = mean.copy()
    result[:, max(ty, 0):SIDE + min(ty, 0), max(tx, 0):SIDE + min(tx, 0)] = \
        image[:, max(-ty, 0):SIDE + min(-ty, 0), max(-tx, 0):SIDE + min(-tx, 0)]
    return result


@unittest.skipIf(numpy is None, "NumPy is not installed (python3-numpy)")
class Pictures(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.place / "data").mkdir()
        make_learnable_file(cls.place / "data/data_batch_1.bin", seed=2)
        make_blank_file(cls.place / "data/data_batch_2.bin")
        make_blank_file(cls.place / "data/test_batch.bin")
        content = numpy.fromfile(cls.place / "data/data_batch_1.bin", dtype=numpy.uint8)
        rows = content.reshape(ROWS_PER_FILE, 1 + IMAGE_BYTES)[:TRAIN_ROWS, 1:]
        cls.train = rows.reshape(TRAIN_ROWS, 3, SIDE, SIDE)
        cls.mean = numpy.rint(cls.train.mean(axis=0)).astype(numpy.uint8)

    def draw(self, *arguments, rows=3, columns=4):
        """The images and then the draws of each."""
        path = self.place / "picture.png"
        result = succeed("preview", RECIPE, "--data", self.place / "data", "--set",
                         f"data.train_first={TRAIN_ROWS}", "--rows", rows, "--columns", columns,
                         "-o", path, *arguments)
        self.assertIn(str(path), result.out)
        images = cut_images(read_png(path), rows, columns)
        numpy.testing.assert_array_equal(images[:, 0], self.train[:rows])
        return images[:, 0], images[:, 1:], result

    def test_without_augmentation_all_columns_are_alike(self):
        originals, draws, result = self.draw()
        self.assertIn("no augmentation", result.err)
        for column in range(draws.shape[1]):
            numpy.testing.assert_array_equal(draws[:, column], originals)

    def test_flips(self):
        originals, draws, result = self.draw("--set", "augmentation.flip=1")
        self.assertNotIn("no augmentation", result.err)
        for column in range(draws.shape[1]):
            numpy.testing.assert_array_equal(draws[:, column], originals[..., ::-1])

    def test_some_are_flipped(self):
        originals, draws, _ = self.draw("--set", "augmentation.flip=0.5", rows=4, columns=8)
        flipped = [(draw == original[..., ::-1]).all() for original, row in
                   zip(originals, draws) for draw in row]
        plain = [(draw == original).all() for original, row in zip(originals, draws)
                 for draw in row]
        self.assertTrue(all(a != b for a, b in zip(flipped, plain)))
        self.assertGreater(sum(flipped), 5)
        self.assertGreater(sum(plain), 5)

    def test_translations_of_flips_over_the_mean_image(self):
        """Mirrored first, then moved; each draw by itself."""
        reach = range(-2, 3)
        originals, draws, _ = self.draw("--set", "augmentation={flip: 1, translation: 2}")
        seen = set()
        for original, row in zip(originals[..., ::-1], draws):
            for draw in row:
                # A mean within rounding of a half may go either way.
                found = [(tx, ty) for tx, ty in itertools.product(reach, reach)
                         if numpy.abs(draw.astype(int) - move(original, self.mean, tx, ty))
                         .max() <= 1]
                self.assertEqual(len(found), 1)
                seen.update(found)
        self.assertGreater(len(seen), 4)

    def test_noise(self):
        originals, draws, _ = self.draw("--set", "augmentation.noise=0.25", rows=4)
        deviation = numpy.maximum(self.train.std(axis=0), 1e-9)
        difference = draws.astype(float) - originals[:, None]
        inside = (originals > 60) & (originals < 195)
        scaled = (difference / deviation)[numpy.broadcast_to(inside[:, None], draws.shape)]
        self.assertAlmostEqual(scaled.mean(), 0, delta=0.01)
        self.assertAlmostEqual(scaled.std(), 0.25, delta=0.01)

    def test_seed(self):
        """The recipe's, unless an option gives one."""
        moves = ["--set", "augmentation.translation=3"]
        _, first, _ = self.draw(*moves)
        _, same, _ = self.draw(*moves, "--set", "seed=42", "--seed", 1)
        _, other, _ = self.draw(*moves, "--seed", 2)
        numpy.testing.assert_array_equal(first, same)
        self.assertTrue((first != other).any())


class Failures(LaminaTest):
    def test_unwritable_output(self):
        for path in [self.place, self.place / "no/such/folder.png"]:
            with self.subTest(path):
                result = lamina("preview", RECIPE, "--data", "synthetic", "-o", path)
                self.assertEqual(result.status, BAD_OUTPUT, result.err)
                self.assertEqual(result.out, "")
                self.assertIn(str(path), result.messages[-1])

    def test_more_images_than_train(self):
        path = self.place / "picture.png"
        result = lamina("preview", RECIPE, "--data", "synthetic", "--set", "data.train_first=100",
                        "--set", "batch=10", "--rows", 65, "-o", path)
        self.assertEqual(result.status, USAGE, result.err)
        result = lamina("preview", RECIPE, "--data", "synthetic", "--set", "data.train_first=5",
                        "--set", "batch=5", "--rows", 6, "-o", path)
        self.assertEqual(result.status, USAGE, result.err)
        self.assertIn("1 to 5", result.err)
        self.assertFalse(path.exists())

    def test_broken_recipe(self):
        result = lamina("preview", RECIPE, "--set", "augmentation.flip=2")
        self.assert_one_message(result, BAD_RECIPE, "augmentation.flip")


if __name__ == "__main__":
    unittest.main()
