# SPDX-License-Identifier: Apache-2.0
"""Listing and choosing devices."""

import json
import shutil
import unittest
from pathlib import Path

from support import NO_DEVICE, OK, REDUCED_CHECK, LaminaTest, devices, lamina, succeed
from test_search import SPACE, drop_seconds, make_study, read_rows

NO_PLATFORM = {"OCL_ICD_VENDORS": "/nonexistent-empty-dir"}
VENDORS = Path("/etc/OpenCL/vendors")
TINY_CHECK = [*REDUCED_CHECK, "--samples", "first:1", "--seed", "1"]


class Listing(LaminaTest):
    def test_json_describes_each_device(self):
        result = succeed("devices", "--json")
        self.assertEqual(result.err, "")
        listed = json.loads(result.out)["devices"]
        self.assertGreater(len(listed), 0)
        texts = ["name", "vendor", "driver_version", "opencl_version"]
        counts = ["compute_units", "global_memory_bytes", "largest_allocation_bytes"]
        for index, device in enumerate(listed):
            self.assertEqual(device["index"], index)
            self.assertIn(device["type"], ["cpu", "gpu", "accelerator", "other"])
            for key in texts:
                self.assertGreater(len(device[key].strip()), 0, key)
            for key in counts:
                self.assertIs(type(device[key]), int, key)
                self.assertGreater(device[key], 0, key)
            for key in ["fp64", "fp16", "usable"]:
                self.assertIs(type(device[key]), bool, key)
            self.assertGreaterEqual(device["part_limit"], 1)
            self.assertEqual(device["usable"], device["reason"] == "")
            self.assertLessEqual(device["largest_allocation_bytes"],
                                 device["global_memory_bytes"])
            self.assertIn("OpenCL", device["opencl_version"])

    def test_text_tells_the_same(self):
        result = succeed("devices")
        self.assertEqual(result.err, "")
        for device in json.loads(succeed("devices", "--json").out)["devices"]:
            self.assertIn(f"{device['index']}: {device['name']}\n", result.out)
            for key in ["vendor", "type", "driver_version", "opencl_version"]:
                self.assertIn(device[key], result.out)
            self.assertIn(f"{device['compute_units']} compute units", result.out)
            self.assertIn(f"{device['global_memory_bytes'] / 2**30:.1f} GiB", result.out)
            self.assertIn(f"fp64 {'yes' if device['fp64'] else 'no'}", result.out)
            parts = f"parts     up to {device['part_limit']}"
            self.assertEqual(device["part_limit"] > 1, parts in result.out)
            self.assertIn("usable    yes" if device["usable"] else device["reason"], result.out)


class NoPlatform(LaminaTest):
    def test_list_says_what_to_install(self):
        self.assert_one_message(lamina("devices", env=NO_PLATFORM), NO_DEVICE,
                                "pocl-opencl-icd", "apt-get install")

    def test_json_list_is_empty(self):
        result = lamina("devices", "--json", env=NO_PLATFORM)
        self.assertEqual(result.status, NO_DEVICE)
        self.assertEqual(json.loads(result.out)["devices"], [])
        self.assertIn("pocl-opencl-icd", result.err)

    def test_work_says_what_to_install(self):
        for choice in [[], ["--device", "0"], ["--device", "gpu"]]:
            with self.subTest(choice):
                result = lamina(*TINY_CHECK, *choice, env=NO_PLATFORM)
                self.assert_one_message(result, NO_DEVICE, "pocl-opencl-icd")


class BrokenDriver(LaminaTest):
    """A driver whose library is missing stands beside good ones."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not list(VENDORS.glob("*.icd")):
            raise unittest.SkipTest(f"no driver is listed in {VENDORS}")
        for file in VENDORS.glob("*.icd"):
            shutil.copy(file, cls.place)
        (cls.place / "aaa-broken.icd").write_text("libnonexistent-opencl-driver.so.1\n")
        (cls.place / "zzz-empty.icd").write_text("")
        cls.env = {"OCL_ICD_VENDORS": str(cls.place)}

    def test_good_devices_are_listed(self):
        listed = json.loads(succeed("devices", "--json", env=self.env).out)
        self.assertEqual(listed, json.loads(succeed("devices", "--json").out))

    def test_good_device_works(self):
        self.assertIn("layer1.weight", succeed(*TINY_CHECK, env=self.env).out)


class Choice(LaminaTest):
    """--device and LAMINA_DEVICE, seen in which device the program says it opened."""

    env = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.listed = json.loads(succeed("devices", "--json", env=cls.env).out)["devices"]

    def assert_opens(self, device, *options, **env):
        with self.subTest(options=options, env=env):
            result = lamina(*TINY_CHECK, *options, env={**self.env, **env})
            self.assertEqual(result.status, OK, result.err)
            expected = f"device {device['index']}: {device['name']} ("
            self.assertTrue(result.err.startswith(expected), result.err)

    def assert_refuses(self, wanted, *options, **env):
        with self.subTest(options=options, env=env):
            result = lamina(*TINY_CHECK, *options, env={**self.env, **env})
            self.assertEqual(result.status, NO_DEVICE, result.err)
            self.assertEqual(result.out, "")
            first, *rest = result.err.splitlines()
            self.assertTrue(first.startswith("lamina: "), first)
            self.assertIn(wanted, first)
            self.assertIn("--device", first)
            for device, line in zip(self.listed, rest, strict=True):
                self.assertIn(f"{device['index']}: {device['name']}", line)

    def need_device(self, device_type):
        found = [device for device in devices() if device["type"] == device_type]
        if len(found) != 1:
            self.skipTest(f"this machine has {len(found)} devices of type {device_type}")
        return found[0]

    def test_index(self):
        for device in self.listed:
            if device["usable"]:
                self.assert_opens(device, "--device", str(device["index"]))

    def test_type_in_any_case(self):
        cpu = self.need_device("cpu")
        self.assert_opens(cpu, "--device", "cpu")
        self.assert_opens(cpu, "--device", "CPU")
        self.assert_opens(cpu, LAMINA_DEVICE="cpu")

    def test_part_of_a_name_in_other_case(self):
        name = self.listed[-1]["name"]
        for other in [name.swapcase(), name[:8].upper(), name[:8].lower()]:
            self.assert_opens(self.listed[-1], "--device", other)

    def test_environment(self):
        last = self.listed[-1]
        self.assert_opens(last, LAMINA_DEVICE=str(last["index"]))
        self.assert_refuses("nonesuch", LAMINA_DEVICE="nonesuch")

    def test_option_beats_environment(self):
        last = self.listed[-1]
        self.assert_opens(last, "--device", str(last["index"]), LAMINA_DEVICE="nonesuch")
        self.assert_refuses("99", "--device", "99", LAMINA_DEVICE=str(last["index"]))

    def test_no_match_shows_the_list(self):
        for choice in ["99", "nonesuch", "-1", "1234567890123456789012"]:
            self.assert_refuses(choice, "--device", choice)

    def test_type_that_is_not_there(self):
        missing = {"gpu", "accelerator"} - {device["type"] for device in self.listed}
        if not missing:
            self.skipTest("this machine has devices of every type")
        for device_type in missing:
            self.assert_refuses(device_type, "--device", device_type)


class ChoiceOfTwo(Choice):
    """The same with two devices: PoCL makes as many as it is asked for."""

    env = {"POCL_DEVICES": "pthread basic"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if len(cls.listed) != 2:
            raise unittest.SkipTest("PoCL is not the only platform here")

    def test_type_in_any_case(self):
        self.skipTest("both devices are of one type")

    def test_ambiguous_name_shows_the_list(self):
        vendor_part = self.listed[0]["name"].split("-", 1)[1]
        self.assert_refuses(vendor_part, "--device", vendor_part)


class Several(LaminaTest):
    """A study on several devices of one process."""

    two = {"POCL_DEVICES": "pthread pthread"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if len(json.loads(succeed("devices", "--json", env=cls.two).out)["devices"]) != 2:
            raise unittest.SkipTest("PoCL is not the only platform here")

    def run_study(self, name, *options, **env):
        study = make_study(self.place / f"{name}.db", *SPACE, "--trials", "8")
        result = succeed("search", "run", study, "-q", "--population", "2", *options, env=env)
        return drop_seconds(read_rows(study)), result.err

    def test_they_come_to_what_one_comes_to(self):
        expected, _ = self.run_study("one", "--device", "cpu")
        rows, messages = self.run_study("two", "--device", "all", **self.two)
        self.assertEqual(rows, expected)
        self.assertIn("device 1: ", messages)
        cpu = next((device for device in devices() if device["type"] == "cpu"), None)
        if cpu and cpu["part_limit"] > 1:
            rows, messages = self.run_study("parts", "--device", f"{cpu['index']}/2")
            self.assertEqual(rows, expected)
            self.assertIn(f"device {cpu['index']} (part 2 of 2): ", messages)

    def test_one_that_is_missing_is_named(self):
        study = make_study(self.place / "missing.db")
        self.assertIn("there is no device 99",
                      lamina("search", "run", study, "--device", "0,99").err)


if __name__ == "__main__":
    unittest.main()
