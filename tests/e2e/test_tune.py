# SPDX-License-Identifier: Apache-2.0
"""`lamina tune` and `--tune`: measured choices, made once and kept."""

import json
import os
import signal
import tempfile
import time
import unittest
from pathlib import Path

from support import (INTERRUPTED, OK, RECIPE, REDUCED_CHECK, SMALL, USAGE, LaminaTest, lamina,
                     start, succeed, train)

SMALL_NET = ["tune", "--net", "20-8-4", "--batch", "5"]
# The products of a training step and those of an evaluation.
SMALL_PRODUCTS = [
    ("forward", 5, 20, 8, True), ("forward", 5, 8, 4, False),
    ("backward_input", 5, 8, 4, False), ("backward_weights", 5, 8, 4, False),
    ("backward_weights", 5, 20, 8, True), ("forward", 1000, 20, 8, True),
    ("forward", 1000, 8, 4, False),
]


def find_program_cache():
    """Where PoCL keeps its programs. It follows XDG_CACHE_HOME, too, and takes long to compile
    CLBlast."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return os.environ.get("POCL_CACHE_DIR") or str(Path(cache) / "pocl" / "kcache")


class TuneTest(LaminaTest):
    """Each test has a cache folder of its own, `self.cache`."""

    def setUp(self):
        self.cache = Path(tempfile.mkdtemp(dir=self.place))
        self.env = {"XDG_CACHE_HOME": str(self.cache), "LAMINA_TUNE": None,
                    "POCL_CACHE_DIR": find_program_cache()}

    def run_json(self, *arguments):
        return json.loads(succeed(*arguments, "--json", env=self.env).out)

    def get_files(self):
        """The cache's files of choices."""
        return sorted((self.cache / "lamina").glob("products-*.json"))

    def assert_products(self, products, expected):
        self.assertEqual([(p["product"], p["rows"], p["in"], p["out"], p["gathers"])
                          for p in products], expected)

    def assert_measured(self, product):
        """What was chosen is among the candidates that passed. (test_tuner.c holds the rule by
        which one is picked to given times; here a disturbed machine makes them.)"""
        good = [c for c in product["candidates"] if "rejected" not in c]
        chosen = [c for c in good if c["family"] == product["family"] and
                  c["defines"] == product["defines"]]
        self.assertEqual(len(chosen), 1, product)
        self.assertAlmostEqual(chosen[0]["seconds"], product["seconds"])
        self.assertGreater(product["seconds"], 0)
        self.assertRegex(product["date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


class Tune(TuneTest):
    def test_json_holds_every_product_and_candidate(self):
        report = self.run_json(*SMALL_NET)
        self.assert_products(report["products"], SMALL_PRODUCTS)
        for product in report["products"]:
            self.assert_measured(product)
            self.assertIs(product["is_new"], True)
            self.assertGreaterEqual(len(product["candidates"]), 2)
        self.assertEqual([Path(report["file"])], self.get_files())
        self.assertGreater(report["fma_gflops"], 0)
        for key in ["device", "driver_version", "platform", "lamina"]:
            self.assertTrue(report["origin"][key], key)

    def test_table_and_show_and_clear(self):
        table = succeed(*SMALL_NET, env=self.env)
        self.assertEqual(table.out.count("\n  * "), len(SMALL_PRODUCTS), table.out)
        self.assertEqual(table.messages, ["measuring matrix products for this device (once) .."])
        shown = succeed("tune", "--show", env=self.env)
        self.assertEqual(shown.out.count("\n  * "), len(SMALL_PRODUCTS))
        self.assertEqual(shown.messages, [])
        self.assertEqual(len(self.run_json("tune", "--show")["products"]), len(SMALL_PRODUCTS))
        succeed("tune", "--clear", env=self.env)
        self.assertEqual(self.get_files(), [])
        self.assertIn("nothing is known", succeed("tune", "--show", env=self.env).out)

    def test_recipe_is_tuned_without_its_data(self):
        report = self.run_json("tune", RECIPE, "--gemm", "registers", "--set",
                               "layers=[{type: dense, width: 10}]", "--set", "batch=7")
        self.assert_products(report["products"],
                             [("forward", 7, 3072, 10, True),
                              ("backward_weights", 7, 3072, 10, True),
                              ("forward", 1000, 3072, 10, True)])

    def test_what_was_tuned_is_used_in_training(self):
        arguments = ["--gemm", "registers", *SMALL]
        self.run_json("tune", RECIPE, "--gemm", "registers", *SMALL[2:])
        before = self.get_files()[0].read_bytes()
        result = train(self.place / "tuned", *arguments, env=self.env)
        self.assertEqual(result.messages, [])
        self.assertEqual(self.get_files()[0].read_bytes(), before)

    def test_two_at_once_lose_nothing(self):
        nets = ["20-8-4", "24-9-4"]
        processes = [start("tune", "--gemm", "registers", "--net", net, "--json", env=self.env)
                     for net in nets]
        for process in processes:
            _, err = process.communicate(timeout=300)
            self.assertEqual(process.returncode, OK, err)
        shown = self.run_json("tune", "--show")["products"]
        self.assertEqual({p["in"] for p in shown}, {20, 8, 24, 9})
        self.assertEqual(len(shown), 2 * len(SMALL_PRODUCTS))

    def test_interrupt(self):
        process = start("tune", "--gemm", "registers", "--net", "3072-2048-2048-10", "--batch",
                        "1000", env=self.env)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, INTERRUPTED, err)

    def test_usage(self):
        for arguments, name in [(["tune"], "RECIPE"), (["tune", "--net", "x"], "--net x"),
                                (["tune", "--net", "5-3", RECIPE], "--net"),
                                (["tune", "--show", RECIPE], "--show"),
                                (["train", RECIPE, "--tune", "x"], "--tune x")]:
            result = lamina(*arguments)
            self.assertEqual(result.status, USAGE)
            self.assertIn(name, result.messages[0])
        result = lamina("train", RECIPE, *SMALL, env={"LAMINA_TUNE": "x"})
        self.assert_one_message(result, USAGE, "LAMINA_TUNE=x", "off, auto, full")


class Policies(TuneTest):
    def run_small(self, name, *arguments, status=OK):
        result = lamina("train", RECIPE, "-o", self.place / name, *SMALL, *arguments,
                        env=self.env)
        self.assertEqual(result.status, status, result.err)
        return result

    def assert_same_run(self, a, b):
        for file in ["metrics.csv", "model.safetensors"]:
            self.assertEqual((self.place / a / file).read_bytes(),
                             (self.place / b / file).read_bytes(), file)

    def test_second_start_measures_nothing_and_gives_the_same_bits(self):
        first = self.run_small("first")
        self.assertEqual(len([m for m in first.messages if m.startswith("measuring")]), 1)
        before = self.get_files()[0].read_bytes()
        second = self.run_small("second")
        self.assertEqual(second.messages, [])
        self.assertEqual(self.get_files()[0].read_bytes(), before)
        self.assert_same_run("first", "second")

    def test_off_neither_reads_nor_writes(self):
        self.assertEqual(self.run_small("off", "--tune", "off").messages, [])
        self.env["LAMINA_TUNE"] = "off"
        self.assertEqual(self.run_small("off by default").messages, [])
        self.assertFalse((self.cache / "lamina").exists())
        self.assert_same_run("off", "off by default")

    def test_unwritable_cache_is_one_warning_and_built_in_choices(self):
        (self.cache / "file").write_text("")
        self.env["XDG_CACHE_HOME"] = str(self.cache / "file")
        result = self.run_small("unwritable")
        self.assertEqual(len(result.messages), 1, result.err)
        self.assertIn("warning", result.messages[0])
        self.assertIn("built-in", result.messages[0])
        self.run_small("built-in", "--tune", "off")
        self.assert_same_run("unwritable", "built-in")

    def test_damaged_cache_is_one_warning(self):
        succeed(*SMALL_NET, "--gemm", "registers", env=self.env)
        self.get_files()[0].write_text("{\"format\": 1, ")
        result = self.run_small("damaged")
        warnings = [m for m in result.messages if "warning" in m]
        self.assertEqual(len(warnings), 1, result.err)
        self.assertIn("damaged", warnings[0])
        self.assertEqual(self.run_small("repaired").messages, [])
        self.assert_same_run("damaged", "repaired")

    def test_full_measures_again(self):
        self.run_small("once", "--gemm", "registers")
        result = self.run_small("again", "--gemm", "registers", "--tune", "full")
        self.assertIn("measuring", result.err)
        self.assertGreater(len(self.run_json("tune", "--show")["products"]), 4)

    def test_other_commands_tune_too(self):
        run = self.place / "evaluated"
        train(run, *SMALL)
        self.assertIn("measuring", succeed("evaluate", run, env=self.env).err)
        check = [*REDUCED_CHECK, "--samples", "first:20", "--seed", "1"]
        self.assertIn("ok\n", succeed(*check, env=self.env).out)
        precisions = {p["precision"] for p in self.run_json("tune", "--show")["products"]}
        self.assertEqual(precisions, {"float", "double"})


if __name__ == "__main__":
    unittest.main()
