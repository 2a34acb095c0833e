# SPDX-License-Identifier: Apache-2.0
"""Help, version and usage errors of the `lamina` program."""

import re
import shlex
import unittest

from support import COMMANDS, OK, RECIPE, SOURCE_ROOT, USAGE, LaminaTest, lamina


class Help(LaminaTest):
    def assert_help(self, result):
        self.assertEqual(result.status, OK)
        self.assertEqual(result.err, "")
        self.assertIn("Usage: lamina", result.out)
        self.assertIn("Examples:", result.out)
        self.assertLessEqual(max(map(len, result.out.splitlines())), 80)

    def test_overview_names_every_command(self):
        result = lamina("--help")
        self.assert_help(result)
        for command in COMMANDS:
            self.assertRegex(result.out, rf"(?m)^  {command} +\w")

    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            with self.subTest(command):
                result = lamina(command, "--help")
                self.assert_help(result)
                self.assertIn(f"Usage: lamina {command}", result.out)

    def test_quick_examples_work_as_printed(self):
        for command in ["devices", "recipe", "schedule"]:
            examples = lamina(command, "--help").out.split("Examples:")[1]
            lines = re.findall(r"^  lamina (.*)$", examples, re.MULTILINE)
            self.assertGreaterEqual(len(lines), 2)
            for line in lines:
                with self.subTest(line):
                    result = lamina(*shlex.split(line), cwd=SOURCE_ROOT)
                    self.assertEqual(result.status, OK, result.err)
                    self.assertNotEqual(result.out, "")

    def test_no_arguments_is_a_usage_error_that_shows_the_overview(self):
        result = lamina()
        self.assertEqual(result.status, USAGE)
        self.assertEqual(result.out, "")
        self.assertEqual(result.err, lamina("--help").out)


class Version(LaminaTest):
    def test_version(self):
        result = lamina("--version")
        self.assertEqual(result.status, OK)
        self.assertRegex(result.out, r"\Alamina \d+\.\d+\.\d+\n\Z")
        self.assertEqual(result.err, "")


class UsageErrors(LaminaTest):
    def assert_usage_error(self, *arguments, names):
        """One line says what is wrong; the next says where to look, in GNU's usual words."""
        with self.subTest(" ".join(arguments)):
            result = lamina(*arguments)
            self.assertEqual(result.status, USAGE, result.err)
            self.assertEqual(result.out, "")
            self.assertTrue(result.messages[0].startswith("lamina"), result.err)
            self.assertIn(names, result.messages[0])
            self.assertIn("--help", result.err)
            if len(result.messages) > 1:
                self.assertTrue(result.messages[1].startswith("Try `lamina "), result.err)

    def test_unknown_command(self):
        self.assert_usage_error("frobnicate", names="frobnicate")
        self.assert_usage_error("--frobnicate", names="--frobnicate")

    def test_unknown_option(self):
        for command in COMMANDS:
            self.assert_usage_error(command, "--frobnicate", names="--frobnicate")

    def test_missing_argument(self):
        self.assert_usage_error("train", names="RECIPE")
        self.assert_usage_error("check-gradients", names="RECIPE")
        self.assert_usage_error("recipe", names="RECIPE")
        self.assert_usage_error("schedule", names="RECIPE")
        self.assert_usage_error("lr-range", names="RECIPE")
        self.assert_usage_error("evaluate", names="DIR")

    def test_surplus_argument(self):
        self.assert_usage_error("train", RECIPE, RECIPE, names="one recipe")
        self.assert_usage_error("check-gradients", RECIPE, RECIPE, names="one recipe")
        self.assert_usage_error("recipe", RECIPE, RECIPE, names="one recipe")
        self.assert_usage_error("schedule", RECIPE, RECIPE, names="one recipe")
        self.assert_usage_error("lr-range", RECIPE, RECIPE, names="one recipe")
        self.assert_usage_error("evaluate", "a", "b", names="one run folder")
        self.assert_usage_error("devices", "surplus", names="arguments")
        self.assert_usage_error("bench", "surplus", names="arguments")

    def test_option_without_its_value(self):
        self.assert_usage_error("train", RECIPE, "--set", names="--set")
        self.assert_usage_error("evaluate", "a", "--device", names="--device")

    def test_option_with_an_illegal_value(self):
        check = ["check-gradients", RECIPE]
        self.assert_usage_error("train", RECIPE, "--gemm", "blas", names="clblast")
        for value in ["first", "first:0", "first:x", "last:5", "first:99999", "first:"]:
            self.assert_usage_error(*check, "--samples", value, names=value)
        for value in ["-1", "x", "1.5", "99999999999999999999", ""]:
            self.assert_usage_error(*check, "--seed", value, names="--seed")
        for value in ["0", "-1", "nan", "inf", "x"]:
            self.assert_usage_error(*check, "--step", value, names="--step")
        for value in ["0", "3073", "x"]:
            self.assert_usage_error(*check, "--inputs", value, names="--inputs")
        for value in ["0", "-1", "x", "1.5", "9223372036854775808"]:
            self.assert_usage_error("schedule", RECIPE, "--every", value, names="--every")
        self.assert_usage_error(*check, "--entries", "none", names="--entries")
        self.assert_usage_error(*check, "--precision", "half", names="double or float")

    def test_force_and_resume_exclude_each_other(self):
        self.assert_usage_error("train", RECIPE, "--force", "--resume", names="--resume")


if __name__ == "__main__":
    unittest.main()
