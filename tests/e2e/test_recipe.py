# SPDX-License-Identifier: Apache-2.0
"""`lamina recipe`: recipes resolved, and their keys explained."""

import json
import unittest

from support import RECIPE, SOURCE_ROOT, LaminaTest, succeed

SHIPPED = sorted((SOURCE_ROOT / "results").glob("*/recipe.yaml"))


class Resolved(LaminaTest):
    def test_every_shipped_recipe_is_accepted(self):
        self.assertGreaterEqual(len(SHIPPED), 8)
        for path in SHIPPED:
            with self.subTest(path.parent.name):
                result = succeed("recipe", path)
                self.assertEqual(result.err, "")
                self.assertEqual(json.loads(result.out)["name"], path.parent.name)

    def test_what_it_prints_it_reads_back(self):
        for path in SHIPPED:
            with self.subTest(path.parent.name):
                printed = succeed("recipe", path).out
                self.assertIn('"layers"', printed)
                copy = self.place / f"copy-of-{path.parent.name}.json"
                copy.write_text(printed)
                self.assertEqual(succeed("recipe", copy).out, printed)

    def test_defaults_are_filled_in(self):
        path = self.place / "short.yaml"
        path.write_text("layers: [{type: dense, width: 10}]\n"
                        "schedule: {type: constant, rate: 0.1}\nbatch: 100\n"
                        "stop: {epochs: 1}\n")
        recipe = json.loads(succeed("recipe", path).out)
        self.assertEqual(recipe["name"], "short")
        self.assertEqual(recipe["seed"], 1)
        self.assertEqual(recipe["l2"], 0)
        self.assertEqual(recipe["data"]["train_files"], [1, 2, 3, 4, 5])
        self.assertEqual(recipe["measure"], {"every_epochs": 1})

    def test_overrides(self):
        recipe = json.loads(succeed("recipe", RECIPE, "--set", "schedule.maximum=0.05", "--set",
                                    "layers[0].width=60", "--set", "stop={epochs: 3}").out)
        self.assertEqual(recipe["schedule"]["maximum"], 0.05)
        self.assertEqual(recipe["layers"][0]["width"], 60)
        self.assertEqual(recipe["stop"], {"epochs": 3})

    def test_the_working_folder_does_not_change_the_name(self):
        folder = SOURCE_ROOT / "results/a2-fig4"
        recipe = json.loads(succeed("recipe", "recipe.yaml", cwd=folder).out)
        self.assertEqual(recipe["name"], "a2-fig4")
        self.assertEqual(recipe, json.loads(succeed("recipe", RECIPE).out))

    def test_no_device_is_needed(self):
        result = succeed("recipe", RECIPE, env={"OCL_ICD_VENDORS": "/nonexistent-empty-dir"})
        self.assertEqual(json.loads(result.out)["name"], "a2-fig4")


class Keys(LaminaTest):
    def list_keys(self, value, path=""):
        """The keys of a resolved recipe, in the form that --keys prints them in."""
        if isinstance(value, dict):
            for key, item in value.items():
                yield f"{path}{key}"
                yield from self.list_keys(item, f"{path}{key}.")
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from self.list_keys(item, f"{path[:-1]}[].")

    def test_every_key_of_the_shipped_recipes_is_explained(self):
        result = succeed("recipe", "--keys")
        self.assertEqual(result.err, "")
        explained = {line for line in result.out.splitlines() if not line.startswith(" ")}
        used = set()
        for path in SHIPPED:
            used.update(self.list_keys(json.loads(succeed("recipe", path).out)))
        # An initialization is explained once, for the whole recipe.
        used = {key.replace("layers[].initialization.", "initialization.") for key in used}
        self.assertGreater(len(used), 20)
        self.assertEqual(used - explained, set())

    def test_each_key_has_legal_values_and_a_meaning(self):
        blocks = succeed("recipe", "--keys").out.split("\n")
        heads = [i for i, line in enumerate(blocks) if line and not line.startswith(" ")]
        self.assertGreater(len(heads), 20)
        for i in heads:
            self.assertTrue(blocks[i + 1].startswith("    "), blocks[i])
            self.assertTrue(blocks[i + 2].startswith("    "), blocks[i])


if __name__ == "__main__":
    unittest.main()
