# SPDX-License-Identifier: Apache-2.0
"""Compiled programs that are kept as files, as users meet them."""

import os
import unittest
from pathlib import Path

from support import (OK, RECIPE, SMALL, USAGE, LaminaTest, lamina, start,
                     take_snapshot, train)


def get_environment(place, policy):
    """PoCL's own cache, which follows XDG_CACHE_HOME too, stays where it is."""
    caches = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    own = os.environ.get("POCL_CACHE_DIR", f"{caches}/pocl/kcache")
    return {"XDG_CACHE_HOME": str(place), "LAMINA_PROGRAM_CACHE": policy, "POCL_CACHE_DIR": own}


class ProgramCache(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        train(cls.place / "plain", *SMALL, env={"LAMINA_PROGRAM_CACHE": "off"})
        cls.model = (cls.place / "plain" / "model.safetensors").read_bytes()

    def test_two_processes_fill_one_cache_at_once(self):
        cache = self.place / "shared"
        env = get_environment(cache, "on")
        processes = [start("train", RECIPE, *SMALL, "-q", "-o", self.place / f"at-once-{i}",
                           env=env) for i in range(2)]
        for process in processes:
            _, err = process.communicate(timeout=300)
            self.assertEqual(process.returncode, OK, err)
        kept = take_snapshot(cache)
        for name in kept:
            self.assertRegex(name, r"^lamina/programs/[0-9a-f]{64}$")
        self.assertGreater(len(kept), 3)
        train(self.place / "after", *SMALL, env=env)
        self.assertEqual(take_snapshot(cache), kept, "nothing was damaged or missing")
        for run in ["at-once-0", "at-once-1", "after"]:
            self.assertEqual((self.place / run / "model.safetensors").read_bytes(), self.model)

    def test_unusable_folder_is_one_warning(self):
        (self.place / "file").write_text("mine")
        result = train(self.place / "warned", *SMALL,
                       env=get_environment(self.place / "file", "on"))
        self.assertEqual(len(result.messages), 1, result.err)
        for fragment in ["warning", str(self.place / "file"), "LAMINA_PROGRAM_CACHE=off"]:
            self.assertIn(fragment, result.messages[0])
        self.assertEqual((self.place / "file").read_text(), "mine")

    def test_unknown_policy(self):
        run = self.place / "unknown"
        result = lamina("train", RECIPE, *SMALL, "-q", "-o", run,
                        env=get_environment(self.place, "sometimes"))
        self.assert_one_message(result, USAGE, "LAMINA_PROGRAM_CACHE=sometimes",
                                "auto, on, off")
        self.assertFalse(run.exists())


if __name__ == "__main__":
    unittest.main()
