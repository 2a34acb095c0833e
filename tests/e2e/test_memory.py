# SPDX-License-Identifier: Apache-2.0
"""Networks and batches that no device could hold are refused before they are tried."""

import re
import unittest

from support import NO_MEMORY, RECIPE, LaminaTest, devices, lamina

GIB = 2**30
WIDTH = 65536
ROWS = 10000


class TooLarge(LaminaTest):
    def refuse(self, total_bytes, *options):
        """A refusal within seconds, before there is a run folder; gives the message."""
        if any(device["global_memory_bytes"] >= total_bytes for device in devices()):
            self.skipTest("a device here may well hold it")
        run = self.place / "run"
        result = lamina("train", RECIPE, "--data", "synthetic", "-q", "-o", run, *options,
                        timeout=60)
        self.assert_one_message(result, NO_MEMORY, "GiB")
        self.assertFalse(run.exists())
        return result.messages[0]

    def test_network(self):
        """Two layers of the largest width: 16 GiB of weights between them."""
        layers = f"{{type: dense, width: {WIDTH}}}, relu"
        message = self.refuse(4 * WIDTH * WIDTH, "--set",
                              f"layers=[{layers}, {layers}, {{type: dense, width: 10}}]")
        parameters = 3072 * WIDTH + WIDTH + WIDTH * WIDTH + WIDTH + 10 * WIDTH + 10
        self.assertIn(f"training {parameters} parameters at batch 100 needs ", message)
        self.assertIn(f"{4 * WIDTH * WIDTH / GIB:.1f} GiB of it for weights in one piece",
                      message)
        self.assertNotIn("largest batch", message)
        width = int(re.search(r"with a width of up to (\d+)$", message).group(1))
        self.assertTrue(1 < width < WIDTH, message)

    def test_batch(self):
        """Wide layers between narrow ones: few weights, and activations of 2.4 GiB a layer."""
        wide = 12
        layers = f"{{type: dense, width: {WIDTH}}}, relu, {{type: dense, width: 10}}, " * wide
        message = self.refuse(4 * ROWS * WIDTH * wide, "--set", f"layers=[{layers[:-2]}]",
                              "--set", f"batch={ROWS}")
        self.assertIn(f"at batch {ROWS} needs ", message)
        batch = int(re.search(r"the largest batch that fits is (\d+)", message).group(1))
        self.assertTrue(1 < batch < ROWS, message)
        memory = max(device["global_memory_bytes"] for device in devices())
        self.assertLessEqual(4 * batch * WIDTH * wide, memory)


if __name__ == "__main__":
    unittest.main()
