# SPDX-License-Identifier: Apache-2.0
"""`lamina bench`: what its JSON holds, its limits of time, and what it refuses."""

import json
import signal
import unittest

from support import (BAD_DATA, INTERRUPTED, USAGE, LaminaTest, lamina, start, succeed)

SMALL = ["--batch", "1000", "--seconds", "0.01"]
NETWORK_KEYS = {"net", "batch", "batch_norm", "members", "steps_per_epoch", "seconds_per_epoch", "us_per_step",
                "gflops", "share_of_peak", "launches_per_step", "waits_per_step",
                "profiled_us_per_step", "beyond_products_us_per_step", "floor", "kernels"}


def bench(*arguments):
    return json.loads(succeed("bench", *arguments, "--json").out)


class OneNetwork(LaminaTest):
    def test_json_holds_limits_time_floor_and_kernels(self):
        result = bench("--net", "12-7-3", "--members", "2", *SMALL)
        self.assertLessEqual({"device", "driver_version", "lamina", "limits", "networks"},
                             set(result))
        self.assertTrue(result["complete"])
        for key in ["fma_gflops", "copy_gbytes_per_second", "launch_us", "round_trip_us"]:
            self.assertGreater(result["limits"][key], 0)
        self.assertEqual(len(result["networks"]), 1)
        network = result["networks"][0]
        self.assertEqual(set(network), NETWORK_KEYS)
        self.assertEqual((network["net"], network["batch"], network["members"]),
                         ("12-7-3", 1000, 2))
        self.assertFalse(network["batch_norm"])
        self.assertEqual(network["waits_per_step"], 0)
        self.assertAlmostEqual(network["seconds_per_epoch"],
                               45 * network["us_per_step"] / 1e6, places=9)

    def test_json_agrees_with_itself(self):
        network = bench("--net", "12-7-3", *SMALL)["networks"][0]
        self.assertEqual(len(network["kernels"]), network["launches_per_step"])
        products = sum(k["us"] for k in network["kernels"] if k["is_product"])
        self.assertAlmostEqual(products + network["beyond_products_us_per_step"],
                               network["profiled_us_per_step"], places=2)
        floor = network["floor"]
        self.assertAlmostEqual(
            floor["total_us"],
            max(floor["operations_us"], floor["bytes_us"]) + floor["launches_us"], places=6)
        self.assertAlmostEqual(floor["ratio"], network["us_per_step"] / floor["total_us"],
                               places=6)

    def test_normalization_is_two_launches_a_hidden_layer_beyond_products(self):
        with_norm, without = (bench("--net", "12-7-5-3", *SMALL, *more)["networks"][0]
                              for more in [["--batch-norm"], ["--gemm", "registers"]])
        self.assertTrue(with_norm["batch_norm"])
        self.assertEqual(with_norm["net"], "12-7-5-3")
        self.assertEqual(with_norm["launches_per_step"], without["launches_per_step"] + 4)
        epilogues = [k for k in with_norm["kernels"] if k["kernel"].startswith("epilogue")]
        self.assertEqual([k["is_product"] for k in epilogues], [False] * 4)
        self.assertGreaterEqual(with_norm["beyond_products_us_per_step"],
                                sum(k["us"] for k in epilogues))

    def test_table_says_that_nets_are_normalized(self):
        arguments = ["bench", "--net", "12-7-3", *SMALL]
        self.assertNotIn("normalization", succeed(*arguments).out)
        out = succeed(*arguments, "--batch-norm").out
        self.assertIn("batch normalization, which is time beyond products", out)
        self.assertLessEqual(max(map(len, out.splitlines())), 100)

    def test_tables_fit_a_hundred_columns(self):
        out = succeed("bench", "--net", "12-11-10-10-9-8-7-6-5-4-4-3-3-2", *SMALL).out
        self.assertLessEqual(max(map(len, out.splitlines())), 100)
        self.assertIn("12-11-10-10-9-8-7-6-5-4-4-3-3-2", out)
        self.assertIn("matmul_forward 1000x12x11", out)

    def test_whole_epochs_on_rows_of_a_data_set(self):
        result = bench("--net", "3072-10", "--batch", "4500", "--epochs", "1", "--data",
                       "synthetic")
        self.assertEqual(result["networks"][0]["steps_per_epoch"], 10)


class Limit(LaminaTest):
    def test_nothing_begins_after_the_limit(self):
        result = bench("--limit", "0.001")
        self.assertFalse(result["complete"])
        self.assertEqual(result["networks"], [])
        self.assertGreater(result["left_out"], 18)
        for row in result["products_gflops"]:
            self.assertIsNone(row["registers"])

    def test_scaling_says_what_it_leaves_out(self):
        result = bench("--scaling", "--limit", "0.001")
        self.assertEqual((result["scaling"], result["left_out"]), ([], 35))
        out = succeed("bench", "--scaling", "--limit", "0.001").out
        self.assertLessEqual(max(map(len, out.splitlines())), 100)
        self.assertIn("35 measurements are left out", out)
        self.assertRegex(out, r"(?m)^4096( +-){7}$")

    def test_interrupted_session_keeps_what_it_has(self):
        process = start("bench", "--net", "12-3", "--seconds", "1000", "--json")
        self.assertIn("device", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, INTERRUPTED, err)
        self.assertIn("interrupted", err)
        self.assertFalse(json.loads(out)["complete"])


class Refused(LaminaTest):
    def test_bad_net_is_named_with_what_is_legal(self):
        for net in ["", "3072", "3072-", "-10", "3072-x", "3072-0", "3072-65537", "3072--10",
                    "3072-50.5", "-".join(["9"] * 40)]:
            with self.subTest(net):
                result = lamina("bench", f"--net={net}")
                self.assertEqual((result.status, result.out), (USAGE, ""))
                self.assertIn(f"--net {net}: legal: widths of 1 to 65536", result.messages[0])

    def test_other_options_are_checked(self):
        for option, value in [("--batch", "0"), ("--batch", "45001"), ("--members", "0"),
                              ("--seconds", "0"), ("--seconds", "nan"), ("--limit", "-1"),
                              ("--epochs", "0"), ("--epochs", "x")]:
            with self.subTest(f"{option} {value}"):
                result = lamina("bench", f"{option}={value}")
                self.assertEqual((result.status, result.out), (USAGE, ""))
                self.assertIn(f"{option} {value}: legal:", result.messages[0])
        for other in [["--net", "3-3"], ["--batch-norm"]]:
            result = lamina("bench", "--scaling", *other)
            self.assertEqual(result.status, USAGE)
            self.assertIn("--scaling", result.messages[0])

    def test_net_that_normalization_makes_too_deep(self):
        net = "-".join(["9"] * 31)
        result = lamina("bench", f"--net={net}", "--batch-norm")
        self.assertEqual((result.status, result.out), (USAGE, ""))
        self.assertIn("64 layers at most", result.messages[0])

    def test_data_that_is_not_there(self):
        result = lamina("bench", "--data", self.place / "nowhere", "--json")
        self.assert_one_message(result, BAD_DATA, "nowhere", "--data")

    def test_data_that_does_not_fit_the_network(self):
        result = lamina("bench", "--net", "12-3", "--data", "synthetic", "--json", *SMALL)
        self.assert_one_message(result, USAGE, "from 12 to 3", "3072 inputs")


if __name__ == "__main__":
    unittest.main()
