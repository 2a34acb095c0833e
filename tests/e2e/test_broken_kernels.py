# SPDX-License-Identifier: Apache-2.0
"""Kernels that compute wrongly or do not compile: LAMINA_KERNEL_DIR names a damaged copy."""

import json
import re
import shutil
import unittest

from support import (BAD_DEVICE, BAD_KERNEL, CHECK_FAILED, OK, RECIPE, REDUCED_CHECK, SMALL,
                     SOURCE_ROOT, LaminaTest, devices, lamina, succeed, train)

CHECK = [*REDUCED_CHECK, "--samples", "first:20", "--seed", "42"]

# The end of a weight gradient: its penalty, and the sum that is the gradient of the loss.
MATMULS = ["matmul_registers.cl", "matmul_tiles.cl"]
GRADIENT = r"(gradient\s*=\s*fma\(2 \* [^,]+, [^,]+,\s*)(.+?)\);"

# What is damaged: file, pattern in it, what stands in its place.
MISTAKES = {
    "weight gradient 1 % too large":
        [(file, GRADIENT, r"\1(real)1.01 * (\2));") for file in MATMULS],
    "penalty's gradient without its factor 2":
        [(file, r"fma\(2 \* ", "fma(1 * ") for file in MATMULS],
    "ReLU's gradient passed through everywhere":
        [("common.clh", r"\(\(y\) > \(type\)\(0\) \? \(g\) : \(type\)\(0\)\)", "(g)")],
    "label's share missing in the loss's gradient":
        [("loss.cl", r"\? \(realv\)\(own\) :", "? (realv)(0) :")],
}
WRONG_OUTPUTS = ("common.clh", r"ACTIVATE_AS\(ACTIVATION, type, x\)",
                 "(ACTIVATE_AS(ACTIVATION, type, x) * (type)(ACTIVATION == 0 ? 1.01 : 1))")
SYNTAX_ERROR = ("matmul_registers.cl", r"kernel void matmul_forward\(",
                "kernel vide matmul_forward(")


class KernelTest(LaminaTest):
    def copy_kernels(self, name, *edits):
        folder = self.folder = self.place / re.sub(r"\W+", "-", name)
        shutil.copytree(SOURCE_ROOT / "cl", folder)
        for file, old, new in edits:
            text, count = re.subn(old, new, (folder / file).read_text())
            self.assertGreater(count, 0, f"cl/{file} has changed: adapt the pattern {old}")
            (folder / file).write_text(text)
        return {"LAMINA_KERNEL_DIR": str(folder)}


class WholeCopy(KernelTest):
    def test_it_works_like_the_kernels_built_in(self):
        env = self.copy_kernels("whole")
        train(self.place / "built-in", *SMALL)
        train(self.place / "copy", *SMALL, env=env)
        self.assertEqual((self.place / "built-in/model.safetensors").read_bytes(),
                         (self.place / "copy/model.safetensors").read_bytes())
        self.assertEqual(succeed(*CHECK, env=env).out, succeed(*CHECK).out)


class WrongResults(KernelTest):
    def each_mistake(self):
        for name, edits in MISTAKES.items():
            env = self.copy_kernels(f"{self.id()} {name}", *edits)
            gemms = ["registers", "tiles"] if edits[0][0] in MATMULS else ["registers"]
            for gemm in gemms:
                with self.subTest(f"{name}, {gemm}"):
                    yield gemm, env

    def test_gradient_check_finds_it(self):
        for gemm, env in self.each_mistake():
            result = lamina(*CHECK, "--gemm", gemm, env=env)
            self.assertEqual(result.status, CHECK_FAILED, result.err)
            self.assertIn("FAIL", result.out)
            self.assertEqual(len(result.messages), 1, result.err)

    def test_gradient_check_says_so_in_json(self):
        name, edits = next(iter(MISTAKES.items()))
        result = lamina(*CHECK, "--json", env=self.copy_kernels(name, *edits))
        self.assertEqual(result.status, CHECK_FAILED)
        self.assertIs(json.loads(result.out)["passed"], False)

    def test_training_refuses_the_device(self):
        for gemm, env in self.each_mistake():
            result = lamina("train", RECIPE, *SMALL, "-q", "--gemm", gemm, "-o",
                            self.place / "run", env=env)
            self.assert_one_message(result, BAD_DEVICE, "self-test", "driver", "--device")
            self.assertFalse((self.place / "run").exists())

    def test_each_gemm_has_kernels_of_its_own(self):
        for (file, old, new) in next(iter(MISTAKES.values())):
            env = self.copy_kernels(f"only {file}", (file, old, new))
            for gemm in ["registers", "tiles"]:
                with self.subTest(f"{file} damaged, {gemm} used"):
                    result = lamina(*CHECK, "--gemm", gemm, env=env)
                    self.assertEqual(result.status, CHECK_FAILED if gemm in file else OK)

    def test_evaluation_refuses_the_device(self):
        train(self.place / "good", *SMALL)
        env = self.copy_kernels("outputs", WRONG_OUTPUTS)
        result = lamina("evaluate", self.place / "good", env=env)
        self.assert_one_message(result, BAD_DEVICE, "self-test")
        self.assertEqual(lamina("evaluate", self.place / "good").status, OK)


class DoesNotCompile(KernelTest):
    def fail_to_build(self, name, *edits):
        result = lamina("train", RECIPE, *SMALL, "-q", "--gemm", "registers", "-o",
                        self.place / "run", env=self.copy_kernels(name, *edits))
        self.assertEqual(result.status, BAD_KERNEL, result.err)
        self.assertEqual(result.out, "")
        self.assertFalse((self.place / "run").exists())
        return result

    def test_message_says_what_was_built_where(self):
        result = self.fail_to_build("where", SYNTAX_ERROR)
        record_of_device = [device for device in devices()
                            if f"device {device['index']}: " in result.err]
        self.assertEqual(len(record_of_device), 1)
        self.assertIn("lamina: cl/matmul_registers.cl did not build", result.err)
        self.assertIn(record_of_device[0]["name"], result.err.split("lamina: ")[1])
        self.assertIn(record_of_device[0]["driver_version"], result.err.split("lamina: ")[1])
        self.assertRegex(result.err, r" with -cl-std=CL1\.2 -D REAL_BITS=32 -D ")

    def test_message_shows_numbered_lines(self):
        mistake = "kernel void broken(global real *a) { a[0] = undeclared_name; }"
        for file in ["matmul_registers.cl", "loss.cl", "common.clh"]:
            with self.subTest(file):
                result = self.fail_to_build(f"lines {file}",
                                            (file, r"\Z", f"\n{mistake}\n"))
                lines = (self.folder / file).read_text().splitlines()
                number = lines.index(mistake) + 1
                self.assertIn("undeclared_name", result.err)
                self.assertIn(f"{file}:{number}:", result.err)
                self.assertRegex(result.err, rf"(?m)^ +{number} \| {re.escape(mistake)}$")

    def test_missing_file(self):
        env = self.copy_kernels("missing")
        (self.place / "missing/penalty.cl").unlink()
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", self.place / "run", env=env)
        self.assert_one_message(result, BAD_KERNEL, "missing/penalty.cl")

    def test_missing_folder(self):
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", self.place / "run",
                        env={"LAMINA_KERNEL_DIR": str(self.place / "nowhere")})
        self.assert_one_message(result, BAD_KERNEL, str(self.place / "nowhere"))


if __name__ == "__main__":
    unittest.main()
