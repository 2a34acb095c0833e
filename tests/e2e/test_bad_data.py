# SPDX-License-Identifier: Apache-2.0
"""Data folders that are missing or damaged."""

import os
import unittest

from support import (BAD_DATA, FILE_BYTES, IMAGE_BYTES, RECIPE, RUN_FILES, LaminaTest, lamina,
                     make_blank_file, succeed, take_snapshot)

FILES = ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"]
OPTIONS = ["--set", "data.train_first=500", "--set", "stop={epochs: 1}"]


class BadData(LaminaTest):
    """Each test damages one file of a folder of its own."""

    def setUp(self):
        self.data = self.place / self.id().rsplit(".", 1)[1]
        self.data.mkdir()
        for file in FILES:
            make_blank_file(self.data / file)
        self.folder = self.data / "run"

    def train(self, *options, **keywords):
        return lamina("train", RECIPE, *OPTIONS, "-q", "-o", self.folder, *options, **keywords)

    def assert_refused(self, path, *fragments):
        result = self.train("--data", self.data)
        self.assert_one_message(result, BAD_DATA, str(path), *fragments)
        self.assertFalse(self.folder.exists())

    def write_byte(self, file, record, byte):
        with open(self.data / file, "r+b") as stream:
            stream.seek(record * (1 + IMAGE_BYTES))
            stream.write(bytes([byte]))

    def test_the_folder_is_good(self):
        succeed("train", RECIPE, *OPTIONS, "-q", "-o", self.folder, "--data", self.data)
        self.assertEqual(len(take_snapshot(self.folder)), len(RUN_FILES))

    def test_folder_missing(self):
        result = self.train("--data", self.place / "nowhere")
        self.assert_one_message(result, BAD_DATA, str(self.place / "nowhere"), "--data",
                                "fetch-cifar10", "synthetic")
        self.assertFalse(self.folder.exists())

    def test_folder_empty(self):
        for file in FILES:
            (self.data / file).unlink()
        self.assert_refused(self.data, "data_batch_1.bin", "--data", "fetch-cifar10")

    def test_folder_is_a_file(self):
        result = self.train("--data", self.data / FILES[0])
        self.assert_one_message(result, BAD_DATA, FILES[0], "--data")

    def test_no_folder_named(self):
        result = self.train(cwd=self.data)
        self.assert_one_message(result, BAD_DATA, "--data", "fetch-cifar10", "synthetic")

    def test_folder_from_the_environment(self):
        result = self.train(env={"LAMINA_DATA": str(self.data)})
        self.assertEqual(result.status, 0, result.err)
        result = self.train("--force", env={"LAMINA_DATA": str(self.place / "nowhere")})
        self.assert_one_message(result, BAD_DATA, str(self.place / "nowhere"))

    def test_file_missing(self):
        for file in reversed(FILES):
            with self.subTest(file):
                (self.data / file).unlink()
                self.assert_refused(self.data / file, "not found")

    def test_file_truncated(self):
        for size in [0, 1, FILE_BYTES // 2, FILE_BYTES - 1]:
            for file in FILES:
                with self.subTest(f"{file} {size}"):
                    make_blank_file(self.data / file, size)
                    self.assert_refused(self.data / file, "fetch-cifar10")
                    make_blank_file(self.data / file)

    def test_file_too_long(self):
        for file in FILES:
            with self.subTest(file):
                make_blank_file(self.data / file, FILE_BYTES + 1)
                self.assert_refused(self.data / file, str(FILE_BYTES + 1), str(FILE_BYTES),
                                    "fetch-cifar10")
                make_blank_file(self.data / file)

    def test_label_out_of_range(self):
        for file, record, label in [("data_batch_1.bin", 7, 10), ("test_batch.bin", 9999, 255),
                                    ("data_batch_2.bin", 0, 100)]:
            with self.subTest(file):
                self.write_byte(file, record, label)
                self.assert_refused(self.data / file, f"record {record} ", f"label {label}",
                                    "fetch-cifar10")
                self.write_byte(file, record, 0)

    def test_file_is_a_folder(self):
        (self.data / FILES[0]).unlink()
        (self.data / FILES[0]).mkdir()
        self.assert_refused(self.data / FILES[0])

    def test_file_is_a_pipe_that_nobody_fills(self):
        (self.data / FILES[0]).unlink()
        os.mkfifo(self.data / FILES[0])
        self.assert_refused(self.data / FILES[0])

    def test_gradient_check_refuses_too(self):
        make_blank_file(self.data / FILES[0], 5)
        result = lamina("check-gradients", RECIPE, "--data", self.data)
        self.assert_one_message(result, BAD_DATA, str(self.data / FILES[0]), "truncated")

    def test_evaluation_refuses_too(self):
        succeed("train", RECIPE, *OPTIONS, "-q", "-o", self.folder, "--data", self.data)
        (self.data / FILES[2]).unlink()
        result = lamina("evaluate", self.folder)
        self.assert_one_message(result, BAD_DATA, str(self.data / FILES[2]), "not found")


if __name__ == "__main__":
    unittest.main()
