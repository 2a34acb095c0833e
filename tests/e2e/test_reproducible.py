# SPDX-License-Identifier: Apache-2.0
"""The same seed gives the same bytes; every way to multiply matrices gives the same figures."""

import unittest

from support import LEARNING, SMALL, LaminaTest, read_metrics, read_record, train


def read_bytes(run, file):
    return (run / file).read_bytes()


class SameSeed(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, seed in [("first", 3), ("again", 3), ("other", 4)]:
            train(cls.place / name, *LEARNING, "--set", f"seed={seed}")

    def test_same_seed_gives_the_same_bytes(self):
        for file in ["metrics.csv", "model.safetensors"]:
            self.assertEqual(read_bytes(self.place / "first", file),
                             read_bytes(self.place / "again", file), file)
        self.assertEqual(read_record(self.place / "first")["final"],
                         read_record(self.place / "again")["final"])

    def test_another_seed_gives_another_run(self):
        for file in ["metrics.csv", "model.safetensors"]:
            self.assertNotEqual(read_bytes(self.place / "first", file),
                                read_bytes(self.place / "other", file), file)

    def test_without_shuffling_the_seed_still_chooses_the_weights(self):
        first, other = self.place / "fixed-1", self.place / "fixed-2"
        train(first, *SMALL, "--set", "shuffle=false", "--set", "seed=1")
        train(other, *SMALL, "--set", "shuffle=false", "--set", "seed=2")
        self.assertNotEqual(read_metrics(first)[0], read_metrics(other)[0])


class Gemm(LaminaTest):
    """Who multiplies changes the rounding and nothing else."""

    GEMMS = ["registers", "tiles", "clblast"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for gemm in cls.GEMMS:
            train(cls.place / gemm, *LEARNING, "--gemm", gemm)

    def test_record_names_who_multiplied(self):
        for gemm in self.GEMMS:
            self.assertEqual(read_record(self.place / gemm)["gemm"], gemm)

    def test_clblast_really_is_another(self):
        """Our own two may add up in the same order; test_broken_kernels.py tells them apart."""
        self.assertNotEqual(read_bytes(self.place / "clblast", "model.safetensors"),
                            read_bytes(self.place / "registers", "model.safetensors"))

    def test_they_learn(self):
        for gemm in self.GEMMS:
            rows = read_metrics(self.place / gemm)
            self.assertLess(float(rows[-1][3]), float(rows[0][3]) - 0.1, gemm)
            self.assertGreater(read_record(self.place / gemm)["final"]["test"]["accuracy"], 0.2)

    def test_first_measurements_agree(self):
        expected = [float(value) for value in read_metrics(self.place / "registers")[0]]
        for gemm in self.GEMMS[1:]:
            first = [float(value) for value in read_metrics(self.place / gemm)[0]]
            for value, wanted in zip(first, expected, strict=True):
                self.assertAlmostEqual(value, wanted, delta=1e-4 * max(1, wanted), msg=gemm)

    def test_final_figures_agree(self):
        expected = read_record(self.place / "registers")["final"]
        for gemm in self.GEMMS[1:]:
            final = read_record(self.place / gemm)["final"]
            for split, figures in expected.items():
                self.assertAlmostEqual(final[split]["accuracy"], figures["accuracy"],
                                       delta=0.02, msg=f"{gemm} {split}")
                self.assertAlmostEqual(final[split]["loss"], figures["loss"], delta=0.01,
                                       msg=f"{gemm} {split}")


if __name__ == "__main__":
    unittest.main()
