# SPDX-License-Identifier: Apache-2.0
"""What runs and studies hold, written for other programs."""

import csv
import json
import shutil
import signal
import struct
import unittest

import event_files
import model_file
from event_files import Events
from support import (BAD_MODEL, BAD_OUTPUT, BAD_STUDY, METRICS_HEADER, RECIPE, SMALL, USAGE,
                     LaminaTest, count_complete_rows, lamina, read_metrics, read_record, start, succeed, take_snapshot,
                     train, wait_until)

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    EventAccumulator = None

TAGS = ["learning_rate", "loss/train", "cost/train", "accuracy/train", "loss/validation",
        "cost/validation", "accuracy/validation"]
STUDY = ["--data", "synthetic", "--set", "data.train_first=500", "--set", "layers[0].width=12",
         "--set", "schedule={type: triangular, maximum: 0.1, half_cycle_steps: 5}", "--set",
         "stop={cycles: 1}", "-P", "l2=log:1e-5..1e-1", "-P", "label_smoothing=choice:0,0.1",
         "--trials", "3", "--seeds", "2"]


class Exported(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_folder, cls.seeds = cls.place / "a run", cls.place / "seeds"
        train(cls.run_folder, *SMALL, "--set", "snapshots=true", "--set",
              "schedule={type: triangular, maximum: 0.1, half_cycle_steps: 2}", "--set",
              "stop={cycles: 2}", "--set", "measure={per_cycle: 2}", "--tensorboard")
        train(cls.seeds, *SMALL, "--seeds", "2,5", f"--tensorboard={cls.place / 'live'}")
        cls.study = cls.place / "study.db"
        succeed("search", "new", cls.study, RECIPE, *STUDY)
        succeed("search", "run", cls.study, "-q", "--population", "3")

    def check_scalars(self, events, folder):
        rows = read_metrics(folder)
        self.assertGreaterEqual(len(rows), 2)
        for column, tag in enumerate(TAGS, 2):
            self.assertEqual([step for step, _ in events.scalars[tag]],
                             [int(row[0]) for row in rows], tag)
            for (_, value), row in zip(events.scalars[tag], rows):
                self.assertAlmostEqual(value, float(row[column]), delta=1e-6 * (1 + abs(value)))

    def test_training_writes_what_it_measures(self):
        events = Events(self.run_folder / "tensorboard")
        self.assertEqual(events.version, "brain.Event:2")
        self.check_scalars(events, self.run_folder)
        self.assertEqual([step for step, _ in events.scalars["accuracy/test"]], [8])
        self.assertEqual(events.get_outcome(), 1)
        for seed in [2, 5]:
            events = Events(self.place / "live" / "seeds" / f"seed-{seed}")
            self.check_scalars(events, self.seeds / f"seed-{seed}")

    def test_exporting_gives_what_training_gave(self):
        folder = self.place / "exported"
        succeed("export", self.run_folder, self.seeds, "--tensorboard", folder)
        for exported, live in [(folder / "a run", self.run_folder / "tensorboard"),
                               (folder / "seeds/seed-5", self.place / "live/seeds/seed-5")]:
            a, b = Events(exported), Events(live)
            for part in ["scalars", "histograms", "images"]:
                self.assertEqual(getattr(a, part), getattr(b, part))
            self.assertEqual(a.get_hparams(), b.get_hparams())

    def test_models_are_histograms_at_their_steps(self):
        events = Events(self.run_folder / "tensorboard")
        header, data = model_file.read(self.run_folder / "model.safetensors")
        weights = model_file.get_values(header, data, "layer1.weight")
        histograms = events.histograms["layer1/weight"]
        steps = [step for step, _ in histograms]
        self.assertEqual(steps, sorted(set(steps)))
        self.assertTrue({4, 8} <= set(steps), steps)
        last = histograms[-1][1]
        self.assertEqual([last[1][0], last[2][0], last[3][0]],
                         [min(weights), max(weights), len(weights)])
        self.assertAlmostEqual(last[4][0], sum(weights), 6)
        buckets = struct.unpack("<64d", last[7][0])
        limits = struct.unpack("<64d", last[6][0])
        self.assertEqual(sum(buckets), len(weights))
        self.assertEqual(list(limits), sorted(limits))
        below = sum(1 for weight in weights if weight < limits[31])
        self.assertLessEqual(abs(sum(buckets[:32]) - below), 1)
        self.assertIn("layer2/bias", events.histograms)

    def test_templates_are_pictures(self):
        step, image = Events(self.run_folder / "tensorboard").images["layer1/templates"][-1]
        png = image[4][0]
        self.assertEqual(step, 8)
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(struct.unpack(">II", png[16:24]), (image[2][0], image[1][0]))

    def test_sessions_have_the_recipes_settings(self):
        hparams, group = Events(self.run_folder / "tensorboard").get_hparams()
        self.assertEqual(hparams["schedule.maximum"], 0.1)
        self.assertEqual(hparams["schedule.type"], "triangular")
        self.assertIs(hparams["snapshots"], True)
        self.assertEqual(hparams["layers"], "dense 50, relu, dense 10")
        self.assertEqual(group, "")
        groups = {Events(self.place / f"live/seeds/seed-{seed}").get_hparams()[1]
                  for seed in [2, 5]}
        self.assertEqual(groups, {"seeds"})

    def test_trials_of_studies(self):
        folder = self.place / "trials"
        succeed("export", self.study, "--tensorboard", folder)
        names = sorted(path.name for path in (folder / "study").iterdir())
        self.assertEqual(names, [f"trial-000{i}-seed-{seed}" for i in [1, 2, 3]
                                 for seed in [1, 2]])
        rows = list(csv.DictReader(succeed("search", "export", self.study).out.splitlines()))
        for name, row in zip(names, rows):
            events = Events(folder / "study" / name)
            hparams, group = events.get_hparams()
            self.assertAlmostEqual(hparams["l2"], float(row["l2"]), 12)
            self.assertEqual(hparams["label_smoothing"], float(row["label_smoothing"]))
            self.assertEqual(group, "study/" + name[:10])
            self.assertAlmostEqual(events.scalars["objective"][0][1], float(row["objective"]), 6)
            self.assertEqual(events.scalars["loss/train"][-1][0], int(row["step"]))

    def test_exporting_again_replaces_its_own_alone(self):
        folder = self.place / "again"
        succeed("export", self.run_folder, "--tensorboard", folder)
        first = event_files.find(folder / "a run")
        foreign = folder / "a run" / "notes"
        foreign.write_text("mine")
        succeed("export", self.run_folder, "--tensorboard", folder)
        self.assertFalse(first.exists())
        self.assertEqual(foreign.read_text(), "mine")
        self.assertEqual(len(take_snapshot(folder)), 2)

    def test_equal_names_are_told_apart(self):
        other, folder = self.place / "other" / "a run", self.place / "told-apart"
        shutil.copytree(self.run_folder, other)
        succeed("export", self.run_folder, other, "--tensorboard", folder)
        self.assertEqual(sorted(path.name for path in folder.iterdir()), ["a run", "a run-2"])

    @unittest.skipUnless(EventAccumulator, "Python's package tensorboard is missing")
    def test_tensorboard_loads_them(self):
        accumulator = EventAccumulator(str(self.run_folder / "tensorboard"))
        accumulator.Reload()
        tags = accumulator.Tags()
        self.assertTrue(set(TAGS) <= set(tags["scalars"]))
        self.assertIn("layer1/weight", tags["histograms"])
        self.assertEqual(tags["images"], ["layer1/templates"])
        self.assertEqual(len(accumulator.Scalars("loss/train")),
                         len(read_metrics(self.run_folder)))

    def test_mistakes_are_named(self):
        missing = self.place / "missing"
        for arguments, status, fragment in [
                ([self.run_folder], USAGE, "--tensorboard"),
                (["--tensorboard", missing], USAGE, "name run folders"),
                ([missing, "--tensorboard", missing], BAD_MODEL, str(missing)),
                ([RECIPE, "--tensorboard", missing], BAD_STUDY, RECIPE),
                ([self.run_folder, "--tensorboard", "/dev/null/x"], BAD_OUTPUT, "/dev/null/x")]:
            result = lamina("export", *arguments)
            self.assertEqual((result.status, result.out), (status, ""), result.err)
            self.assertIn(fragment, result.err)
        self.assertFalse(missing.exists())

    def test_csv_has_a_row_for_each_measurement(self):
        path = self.place / "curves.csv"
        succeed("export", self.run_folder, self.seeds, self.study, "--csv", path)
        rows = list(csv.DictReader(path.read_text().splitlines()))
        single = [row for row in rows if row["run"] == str(self.run_folder)]
        self.assertEqual([row["step"] for row in single],
                         [row[0] for row in read_metrics(self.run_folder)])
        self.assertEqual({row["seed"] for row in rows if row["run"] == str(self.seeds)},
                         {"2", "5"})
        trials = [row for row in rows if row["run"] == str(self.study)]
        self.assertEqual(len({(row["iteration"], row["seed"]) for row in trials}), 6)
        whole = csv.DictReader(
            succeed("search", "export", self.study, "--curves").out.splitlines())
        for row, curve in zip(trials, whole, strict=True):
            self.assertEqual({**row, **curve}, row)
        only_runs = succeed("export", self.run_folder, "--csv", "-").out.splitlines()
        self.assertEqual(only_runs[0], "run,seed," + METRICS_HEADER)
        self.assertEqual(only_runs[1].split(",")[2:], read_metrics(self.run_folder)[0])

    def test_json_has_everything(self):
        path = self.place / "all.json"
        succeed("export", self.run_folder, self.seeds, self.study, "--json", path)
        run, seeds, study = json.loads(path.read_text())["sources"]
        self.assertEqual(run["runs"][0]["record"], read_record(self.run_folder))
        self.assertEqual([m["step"] for m in run["runs"][0]["measurements"]],
                         [int(row[0]) for row in read_metrics(self.run_folder)])
        self.assertEqual([entry["seed"] for entry in seeds["runs"]], [2, 5])
        self.assertEqual(seeds["summary"],
                         json.loads((self.seeds / "summary.json").read_text()))
        self.assertEqual(len(study["trials"]), 6)
        best = json.loads(succeed("search", "best", self.study, "--json", "--top", "0").out)
        self.assertEqual(study["ranking"], best["ranks"])
        self.assertTrue(study["state"]["over"])


class Resumed(LaminaTest):
    def test_no_step_is_there_twice(self):
        folder = self.place / "run"
        arguments = ["train", RECIPE, "-q", "-o", folder, "--data", "synthetic", "--set",
                     "data.train_first=500", "--set", "measure={every_epochs: 10}", "--set",
                     "stop={epochs: 150}", "--tensorboard"]
        outcomes, known = [], set()
        for number, more in [(signal.SIGKILL, []), (signal.SIGINT, ["--resume"])]:
            process = start(*arguments, *more)
            wait_until(lambda: set((folder / "tensorboard").glob("*.lamina")) - known and
                       count_complete_rows(folder) >= 3, process)
            self.assertTrue((folder / "progress.json").exists())
            process.send_signal(number)
            process.communicate(timeout=60)
            self.assertEqual((folder / "progress.json").exists(), number == signal.SIGKILL)
            known = {event_files.find(folder / "tensorboard")}
            outcomes.append(Events(folder / "tensorboard").get_outcome())
        self.assertEqual(outcomes, [None, 2])
        succeed(*arguments, "--resume")
        events = Events(folder / "tensorboard")
        self.assertEqual([step for step, _ in events.scalars["loss/train"]],
                         [int(row[0]) for row in read_metrics(folder)])
        self.assertEqual(events.get_outcome(), 1)
        self.assertFalse((folder / "progress.json").exists())

    def test_training_goes_on_where_events_cannot_be_written(self):
        result = train(self.place / "none", *SMALL, "--tensorboard=/dev/null/events")
        warnings = [line for line in result.messages if "warning" in line]
        self.assertEqual(len(warnings), 1, result.err)
        self.assertIn("/dev/null/events", warnings[0])
        self.assertTrue((self.place / "none" / "model.safetensors").exists())


if __name__ == "__main__":
    unittest.main()
