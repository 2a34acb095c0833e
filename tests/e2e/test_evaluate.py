# SPDX-License-Identifier: Apache-2.0
"""`lamina evaluate`: the run's own figures again, and what it does with damaged folders."""

import json
import math
import shutil
import unittest

import model_file
from support import (BAD_MODEL, LEARNING, SMALL, LaminaTest, lamina, read_record, succeed,
                     train)


class SameFigures(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        train(cls.place / "run", *LEARNING)
        cls.final = read_record(cls.place / "run")["final"]

    def test_json_equals_the_record(self):
        result = succeed("evaluate", self.place / "run", "--json")
        self.assertEqual(json.loads(result.out), self.final)

    def test_working_folder_does_not_matter(self):
        result = succeed("evaluate", "run", "--json", cwd=self.place)
        self.assertEqual(json.loads(result.out), self.final)

    def test_a_moved_folder_gives_the_same(self):
        shutil.copytree(self.place / "run", self.place / "moved")
        result = succeed("evaluate", self.place / "moved", "--json")
        self.assertEqual(json.loads(result.out), self.final)

    def test_text(self):
        result = succeed("evaluate", self.place / "run")
        for split, figures in self.final.items():
            self.assertRegex(result.out, rf"{split} +{figures['loss']:.4f} +"
                                         rf"{figures['cost']:.4f} +"
                                         rf"{100 * figures['accuracy']:.2f} %")
        self.assertEqual(result.messages, [])

    def test_other_products_agree_nearly(self):
        for gemm in ["tiles", "clblast"]:
            result = succeed("evaluate", self.place / "run", "--json", "--gemm", gemm)
            for split, figures in json.loads(result.out).items():
                self.assertAlmostEqual(figures["loss"], self.final[split]["loss"], delta=1e-4)
                self.assertAlmostEqual(figures["accuracy"], self.final[split]["accuracy"],
                                       delta=0.002)

    def test_nothing_is_written(self):
        before = sorted(path.stat().st_mtime_ns for path in (self.place / "run").iterdir())
        succeed("evaluate", self.place / "run")
        after = sorted(path.stat().st_mtime_ns for path in (self.place / "run").iterdir())
        self.assertEqual(after, before)


class Damaged(LaminaTest):
    """Each test gets a copy of a good run to damage."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.good = cls.place / "good"
        train(cls.good, *SMALL)
        cls.header, cls.data = model_file.read(cls.good / "model.safetensors")
        cls.model_bytes = (cls.good / "model.safetensors").read_bytes()

    def setUp(self):
        self.folder = self.place / self.id().rsplit(".", 1)[1]
        shutil.copytree(self.good, self.folder)
        self.model = self.folder / "model.safetensors"
        self.record = self.folder / "run.json"

    def assert_refused(self, *fragments):
        result = lamina("evaluate", self.folder)
        self.assert_one_message(result, BAD_MODEL, str(self.folder), *fragments)

    def write_record(self, change):
        record = read_record(self.good)
        change(record)
        self.record.write_text(json.dumps(record))

    def write_model(self, change=lambda header: None, data=None):
        header = json.loads(json.dumps(self.header))
        change(header)
        model_file.write(self.model, header, self.data if data is None else data)


class DamagedModel(Damaged):
    def test_an_undamaged_copy_is_good(self):
        self.write_model()
        succeed("evaluate", self.folder)

    def test_cut_short(self):
        size = len(self.model_bytes)
        header_end = size - len(self.data)
        for length in [0, 1, 7, 8, 9, header_end - 1, header_end, header_end + 1, size // 2,
                       size - 4, size - 1]:
            with self.subTest(length):
                self.model.write_bytes(self.model_bytes[:length])
                self.assert_refused("model.safetensors")

    def test_header_is_no_header(self):
        texts = [b"garbage", b"[]", b"3", b"{", b"\xff\xfe\x00", b"{}", b"null",
                 b"[" * 100000]
        for text in texts:
            with self.subTest(text[:10]):
                model_file.write(self.model, text, self.data)
                self.assert_refused("model.safetensors")

    def test_header_length_is_absurd(self):
        for length in [2**31, 2**63, 2**64 - 1, 2**64 - 8]:
            with self.subTest(length):
                self.model.write_bytes(length.to_bytes(8, "little") + self.model_bytes[8:])
                self.assert_refused("model.safetensors")

    def test_tensor_missing(self):
        for name in ["layer1.weight", "layer2.bias", "input.mean", "input.deviation"]:
            with self.subTest(name):
                self.write_model(lambda header, name=name: header.pop(name))
                self.assert_refused(name)

    def test_tensor_of_another_shape(self):
        for shape in [[50, 3072], [3072], [3072, 49], [3072, 50, 1], [], "3072", [3072, -50],
                      [3072, "50"], None]:
            with self.subTest(shape):
                self.write_model(
                    lambda header, shape=shape: header["layer1.weight"].update(shape=shape))
                self.assert_refused("layer1.weight")

    def test_tensor_of_another_type(self):
        for dtype in ["F16", "I32", "F64", 3, None]:
            with self.subTest(dtype):
                self.write_model(
                    lambda header, dtype=dtype: header["layer1.weight"].update(dtype=dtype))
                self.assert_refused("layer1.weight")

    def test_tensor_outside_the_file(self):
        size = len(self.data)
        for offsets in [[size, size + 2000], [-2000, 0], [2000, 0], [0], [], "all",
                        [2**62, 2**62 + 2000], [0, 1999]]:
            with self.subTest(offsets):
                self.write_model(
                    lambda header, to=offsets: header["layer2.weight"].update(data_offsets=to))
                self.assert_refused("layer2.weight")

    def test_unusable_normalization(self):
        cases = [("input.deviation", math.nan), ("input.deviation", 0.0),
                 ("input.deviation", -1.0), ("input.deviation", math.inf),
                 ("input.mean", math.nan), ("input.mean", -math.inf)]
        for name, value in cases:
            with self.subTest(f"{name} {value}"):
                data = model_file.set_value(self.header, self.data, name, 17, value)
                self.write_model(data=data)
                self.assert_refused("17")

    def test_weights_that_are_no_numbers(self):
        for value in [math.nan, math.inf]:
            for name in ["layer1.weight", "layer2.bias"]:
                with self.subTest(f"{name} {value}"):
                    data = model_file.set_value(self.header, self.data, name, 5, value)
                    self.write_model(data=data)
                    self.assert_refused(name, f"holds a value of {value}")

    def test_model_of_another_run(self):
        other = self.place / "wider"
        train(other, *SMALL, "--set", "layers[0].width=60")
        shutil.copy(other / "model.safetensors", self.model)
        self.assert_refused("layer1.weight")

    def test_model_missing(self):
        self.model.unlink()
        self.assert_refused("model.safetensors")

    def test_model_is_a_folder(self):
        self.model.unlink()
        self.model.mkdir()
        self.assert_refused("model.safetensors")


class DamagedRecord(Damaged):
    def test_cut_short(self):
        content = self.record.read_bytes()
        for length in [0, 1, len(content) // 2, len(content) - 2]:
            with self.subTest(length):
                self.record.write_bytes(content[:length])
                self.assert_refused("run.json")

    def test_garbage(self):
        for content in [b"garbage", b"[]", b"null", b"{}", b"\x00\x01\xff", b"{" * 100000]:
            with self.subTest(content[:10]):
                self.record.write_bytes(content)
                self.assert_refused("run.json")

    def test_recipe_that_does_not_fit_the_model(self):
        self.write_record(lambda record: record["recipe"]["layers"][0].update(width=49))
        self.assert_refused("layer1.weight")

    def test_recipe_that_is_none(self):
        changes = {
            "missing": lambda record: record.pop("recipe"),
            "text": lambda record: record.update(recipe="a2-fig4"),
            "empty": lambda record: record.update(recipe={}),
            "unknown key": lambda record: record["recipe"].update(momentum=0.9),
            "zero width": lambda record: record["recipe"]["layers"][0].update(width=0),
            "negative batch": lambda record: record["recipe"].update(batch=-1),
        }
        for name, change in changes.items():
            with self.subTest(name):
                self.write_record(change)
                self.assert_refused("run.json")


class Missing(LaminaTest):
    def test_missing_folder(self):
        result = lamina("evaluate", self.place / "missing")
        self.assert_one_message(result, BAD_MODEL, str(self.place / "missing"))

    def test_empty_folder(self):
        (self.place / "empty").mkdir()
        result = lamina("evaluate", self.place / "empty")
        self.assert_one_message(result, BAD_MODEL, str(self.place / "empty"), "run.json")

    def test_file_in_the_place_of_a_folder(self):
        (self.place / "file").write_text("")
        result = lamina("evaluate", self.place / "file")
        self.assert_one_message(result, BAD_MODEL, str(self.place / "file"))


if __name__ == "__main__":
    unittest.main()
