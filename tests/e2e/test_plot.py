# SPDX-License-Identifier: Apache-2.0
"""`lamina plot`: figures of runs and range tests, their data, and what is refused."""

import csv
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from support import (BAD_MODEL, BAD_OUTPUT, INTERRUPTED, NO_RENDERER, RECIPE, SMALL, SOURCE_ROOT,
                     USAGE, LaminaTest, lamina, read_metrics, read_record, start, succeed)

MEASURED = ["step", "epoch", "learning_rate", "train_loss", "train_cost", "train_accuracy",
            "validation_loss", "validation_cost", "validation_accuracy"]
LONG = "a-very-long-name-" + 46 * "x"
UNICODE = "größe & <b>日本語</b> \"quotes\" $PATH {sub}_2 @ ~ \\n"


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def as_number(text):
    return float(text) if text else float("nan")


def get_png_size(path):
    start_bytes = path.read_bytes()[:24]
    assert start_bytes[:8] == b"\x89PNG\r\n\x1a\n", path
    return struct.unpack(">II", start_bytes[16:])


@cache
def train_seeds():
    """A set of two seeds, whose folders are single runs, too."""
    place = Path(tempfile.mkdtemp(prefix="lamina-e2e-"))
    unittest.addModuleCleanup(shutil.rmtree, place, ignore_errors=True)
    succeed("train", RECIPE, "-q", "-o", place / "set", *SMALL, "--seeds", "1,2")
    return place / "set"


class PlotTest(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set = train_seeds()
        cls.run_folder = cls.set / "seed-1"

    def plot(self, *arguments, **options):
        """Gives the figures as --json lists them, by name, and checks that every file is there."""
        folder = self.place / "figures" / self.id()
        result = succeed("plot", *arguments, "-o", folder, "--json", **options)
        figures = {figure["name"]: figure for figure in json.loads(result.out)["figures"]}
        for figure in figures.values():
            for path in figure["files"]:
                self.assertGreater(os.path.getsize(path), 0)
            self.assertTrue(figure["title"] and figure["caption"] and figure["alt"])
        self.folder, self.messages = folder, result.messages
        return figures

    def copy_run(self, name, edit=None, rows=None):
        """A run folder like the trained one: its record changed, its rows of metrics others."""
        folder = self.place / "copies" / name
        shutil.copytree(self.run_folder, folder)
        record = read_record(folder)
        if edit:
            edit(record)
        (folder / "run.json").write_text(json.dumps(record))
        if rows is not None:
            (folder / "metrics.csv").write_text("\n".join([",".join(MEASURED), *rows, ""]))
        return folder

    def assert_same_rows(self, table, metrics):
        measured = [row for row in table if row["part"] == "measured"]
        self.assertEqual(len(measured), len(metrics))
        for row, line in zip(measured, metrics):
            for name, text in zip(MEASURED, line):
                self.assertEqual(repr(as_number(row[name])), repr(as_number(text)), name)


class OfRuns(PlotTest):
    def test_data_is_what_was_measured(self):
        self.assertIn("a2-fig4-curves", self.plot(self.run_folder, "--kind", "curves"))
        table = read_table(self.folder / "a2-fig4-curves.tsv")
        self.assert_same_rows(table, read_metrics(self.run_folder))
        row = [row for row in table if row["part"] == "measured"][-1]
        self.assertAlmostEqual(float(row["train_accuracy_percent"]),
                               100 * float(row["train_accuracy"]), 9)

    def test_rates_are_those_of_the_schedule(self):
        self.plot(self.run_folder, "--kind", "curves")
        table = read_table(self.folder / "a2-fig4-curves.tsv")
        rates = {row["step"]: float(row["learning_rate"]) for row in table
                 if row["part"] == "schedule"}
        metrics = read_metrics(self.run_folder)
        self.assertEqual(len(rates), 1 + int(metrics[-1][0]))
        for line in metrics:
            self.assertAlmostEqual(rates[line[0]], float(line[2]), delta=1e-9)

    def test_pictures_can_be_read(self):
        figures = self.plot(self.run_folder, "--kind", "curves", "--format",
                            "svg,png,pdf", "--theme", "dark")
        files = figures["a2-fig4-curves"]["files"]
        self.assertEqual([path.rsplit(".", 1)[1] for path in files],
                         ["svg", "png", "pdf", "tsv", "gp"])
        self.assertTrue(ElementTree.parse(files[0]).getroot().tag.endswith("svg"))
        self.assertGreater(min(get_png_size(self.folder / "a2-fig4-curves.png")), 100)
        self.assertTrue((self.folder / "a2-fig4-curves.pdf").read_bytes().startswith(b"%PDF-"))

    def test_paths_are_printed(self):
        folder = self.place / "printed"
        result = succeed("plot", self.run_folder, "-o", folder, "--kind", "curves", "--format",
                         "png,svg")
        self.assertEqual(result.out.split("\n"),
                         [f"{folder}/a2-fig4-curves.svg", f"{folder}/a2-fig4-curves.png", ""])
        self.assertEqual(result.messages, [])

    def test_seeds_are_averaged(self):
        figures = self.plot(self.set, "--kind", "curves")
        table = read_table(self.folder / "a2-fig4-curves.tsv")
        self.assert_same_rows(table, read_metrics(self.set / "seed-1") +
                              read_metrics(self.set / "seed-2"))
        losses = [float(read_metrics(self.set / f"seed-{seed}")[-1][3]) for seed in (1, 2)]
        mean = [row for row in table if row["part"] == "mean"][-1]
        middle, deviation = sum(losses) / 2, abs(losses[0] - losses[1]) / 2 ** 0.5
        self.assertAlmostEqual(float(mean["train_loss"]), middle, 12)
        self.assertAlmostEqual(float(mean["train_loss_low"]), middle - deviation, 12)
        self.assertAlmostEqual(float(mean["train_loss_high"]), middle + deviation, 12)
        self.assertIn("mean of 2 of 2 networks", figures["a2-fig4-curves"]["caption"])

    def test_runs_of_one_recipe_are_told_apart(self):
        figures = self.plot(self.set / "seed-1", f"{self.set}/seed-2/", "--kind", "curves")
        self.assertEqual(list(figures), ["seed-1-seed-2-curves"])
        table = read_table(self.folder / "seed-1-seed-2-curves.tsv")
        self.assertEqual({row["run"] for row in table}, {"seed-1", "seed-2"})

    def test_many_runs_make_several_figures(self):
        runs = [self.copy_run(f"many-{i}") for i in range(9)]
        self.assertEqual(len(self.plot(*runs, "--kind", "curves")), 2)

    def test_names_of_any_kind(self):
        def rename(record):
            record["recipe"].update(name=LONG, description=UNICODE)
            record["device"]["name"] = UNICODE
        plain = self.copy_run("ünï 'quoted' \"code\" $HOME; `x` 日本語/run", rename)
        other = self.copy_run("x" * 200, rename)
        figures = self.plot(plain, "--format", "svg,png", "--kind", "curves")
        self.assertIn(UNICODE, next(iter(figures.values()))["caption"])
        figures = self.plot(plain, other, "--format", "svg,png", "--kind", "curves")
        for path in next(iter(figures.values()))["files"]:
            if path.endswith(".svg"):
                ElementTree.parse(path)

    def test_sensitivity_is_of_runs_that_differ_in_nothing_else(self):
        def start_from(sigma):
            def edit(record):
                for layer in record["recipe"]["layers"]:
                    if layer["type"] == "dense":
                        layer["initialization"] = {"type": "constant", "sigma": sigma}
                record["recipe"]["name"] = f"sigma-{sigma:g}"
            return edit
        runs = [self.copy_run(f"sigma-{sigma:g}", start_from(sigma)) for sigma in (0.1, 0.001)]
        figures = self.plot(self.set, *runs, "--kind", "sensitivity")
        self.assertEqual(len(figures), 1)
        table = read_table(self.folder / f"{next(iter(figures))}.tsv")
        cells = {(row["initialization"], row["batch_normalization"]): row for row in table}
        self.assertEqual([row["initialization"] for row in table[:3]],
                         ["0.001", "0.1", "1/√inputs"])
        accuracies = [100 * read_record(self.set / f"seed-{seed}")["final"]["test"]["accuracy"]
                      for seed in (1, 2)]
        cell = cells["1/√inputs", "without"]
        self.assertAlmostEqual(float(cell["test_accuracy_percent"]), sum(accuracies) / 2, 9)
        self.assertEqual(cells["0.1", "with"]["label"], "not trained")


class Unfinished(PlotTest):
    def edit_status(self, status):
        def edit(record):
            record["status"] = status
            for key in ["final", "best"]:
                record.pop(key, None)
        return edit

    def test_nothing_measured_yet(self):
        empty = self.copy_run("empty", self.edit_status("running"), [])
        self.assertEqual(self.plot(empty, "--kind", "curves"), {})
        self.assertTrue(any("nothing to show" in line for line in self.messages))
        os.remove(empty / "metrics.csv")
        self.assertEqual(self.plot(empty, "--kind", "curves"), {})

    def test_one_measurement(self):
        rows = [",".join(read_metrics(self.run_folder)[0])]
        single = self.copy_run("single", self.edit_status("running"), rows)
        self.assertIn("a2-fig4-curves", self.plot(single, "--format", "png", "--kind", "curves"))

    def test_a_loss_that_is_no_number(self):
        rows = ["0,0,0.1,2.3,2.4,0.1,2.3,2.4,0.1", "5,1,0.1,1e30,1e30,0.1,inf,inf,0.1",
                "10,2,0.1,nan,nan,0.1,nan,-nan,0.1"]
        diverged = self.copy_run("diverged", self.edit_status("diverged"), rows)
        figures = self.plot(diverged, "--format", "png", "--kind", "curves")
        self.assertIn("diverged", figures["a2-fig4-curves"]["caption"])
        table = read_table(self.folder / "a2-fig4-curves.tsv")
        self.assertEqual(table[2]["train_loss"], "NaN")

    def test_rates_fall_where_a_plateau_was_seen(self):
        def edit(record):
            self.edit_status("running")(record)
            record["recipe"].update(measure={"every_steps": 5}, schedule={
                "type": "plateau", "rate": 0.1, "factor": 0.5, "patience": 2})
        rows = [f"{5 * i},{i},0.1,1,1,0.5,{loss},1,0.5"
                for i, loss in enumerate([2, 1, 1.5, 1.2, 0.5])]
        folder = self.copy_run("plateau", edit, rows)
        self.plot(folder, "--kind", "curves")
        rates = {row["step"]: float(row["learning_rate"])
                 for row in read_table(self.folder / "a2-fig4-curves.tsv")
                 if row["part"] == "schedule"}
        self.assertEqual([rates[step] for step in ["0", "14", "15", "20"]],
                         [0.1, 0.1, 0.05, 0.05])

    def test_without_a_model_the_rest_is_drawn(self):
        rows = [",".join(row) for row in read_metrics(self.run_folder)] + ["99,9,0.1"]
        running = self.copy_run("running", self.edit_status("running"), rows)
        with open(running / "metrics.csv", "r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.truncate()
        os.remove(running / "model.safetensors")
        self.assertIn("a2-fig4-curves", self.plot(running))

    def test_a_damaged_row_is_named(self):
        damaged = self.copy_run("damaged", None, ["0,x"])
        self.assert_one_message(lamina("plot", damaged, "-o", self.place / "none"), BAD_MODEL,
                                "metrics.csv:2:")


class OfRangeTests(PlotTest):
    def test_both_shapes(self):
        for shape in ["exponential", "linear"]:
            with self.subTest(shape):
                folder = self.place / shape
                succeed("lr-range", RECIPE, "--data", "synthetic", "--steps", "40", "--minimum",
                        "1e-5", "--maximum", "1e-1", "--shape", shape, "-o", folder)
                figures = self.plot(folder, self.run_folder, "--kind",
                                    "curves,lr-range", "--format", "svg,png")
                self.assertIn(f"{shape}-lr-range", figures)
                self.assertIn("a2-fig4-curves", figures)
                table = read_table(self.folder / f"{shape}-lr-range.tsv")
                with open(folder / "lr-range.csv", newline="") as file:
                    rows = list(csv.DictReader(file))
                for row, line in zip(table, rows):
                    self.assertEqual({name: float(row[name]) for name in line},
                                     {name: float(text) for name, text in line.items()})
                self.assertIn(f"{shape}-lr-range", self.plot(folder / "lr-range.csv"))


class OfOtherThings(PlotTest):
    def test_networks_are_asked_where_kinds_are_named(self):
        figures = self.plot(self.run_folder, "--format", "png", "--model", "best", "--kind",
                            "weights,confusion,probabilities,confident")
        for kind in ["weights", "confusion", "probabilities", "confident"]:
            self.assertTrue(any(kind in name for name in figures), kind)
            self.assertFalse(any(f"{kind}: " in line for line in self.messages), kind)
        confusion = next(name for name in figures if "confusion" in name)
        counts = read_table(self.folder / f"{confusion}.tsv")
        self.assertGreaterEqual(len(counts), 100)

    def test_without_augmentation_there_is_nothing_to_show(self):
        self.assertEqual(self.plot(self.run_folder, "--kind", "augmentation"), {})
        self.assertIn("augmentation: there is nothing to show", " ".join(self.messages))

    def test_sources_may_be_mixed(self):
        bench = sorted((SOURCE_ROOT / "results" / "bench").glob("*-scaling.json"))[0]
        figures = self.plot(bench, self.run_folder)
        self.assertIn("a2-fig4-curves", figures)
        self.assertTrue(any(name.startswith("pthread-") for name in figures), list(figures))


class Refusals(PlotTest):
    def assert_refused(self, status, arguments, *fragments, env=None):
        result = lamina("plot", *arguments, "-o", self.place / "refused", env=env)
        self.assertEqual(result.status, status, result.err)
        for fragment in fragments:
            self.assertIn(fragment, result.err)
        return result

    def test_usage(self):
        nothing = self.place / "nothing"
        nothing.mkdir()
        (nothing / "text").write_text("words\n")
        self.assert_refused(USAGE, [], "name what to plot")
        self.assert_refused(USAGE, [self.place / "absent"], "absent", "lamina train")
        self.assert_refused(USAGE, [nothing], "nothing", "study")
        self.assert_refused(USAGE, [nothing / "text"], "text", "study")
        run = self.run_folder
        self.assert_refused(USAGE, [run, "--kind", "curvs"], "curvs")
        self.assert_refused(USAGE, [run, "--kind", "lr-range"], "lr-range", "curves")
        self.assert_refused(USAGE, [run, "--format", "gif"], "gif", "svg")
        self.assert_refused(USAGE, [run, "--theme", "blue"], "blue", "dark")
        self.assert_refused(BAD_MODEL, [run, "--kind", "weights", "--model", "none"], "none")
        self.assertFalse((self.place / "refused").exists())

    def test_without_gnuplot_data_and_scripts_are_left(self):
        result = self.assert_refused(NO_RENDERER, [self.run_folder], "gnuplot",
                                     env={"LAMINA_GNUPLOT": "/nonexistent/gnuplot"})
        for path in result.out.split():
            self.assertTrue(path.endswith((".tsv", ".gp", "-sheet.png")), path)
            self.assertTrue(os.path.exists(path), path)
        self.assertTrue(any("-curves." in path for path in result.out.split()))

    def test_places_that_cannot_be_written(self):
        (self.place / "file").write_text("mine")
        for place in [self.place / "file", self.place / "file/below", "/proc/lamina-figures"]:
            with self.subTest(place):
                result = lamina("plot", self.run_folder, "--kind", "curves", "-o", place)
                self.assert_one_message(result, BAD_OUTPUT, str(place))

    def test_stopping(self):
        slow = self.place / "slow-gnuplot"
        slow.write_text("#!/bin/sh\nexec sleep 60\n")
        slow.chmod(0o755)
        process = start("plot", self.run_folder, "-o", self.place / "stopped",
                        env={"LAMINA_GNUPLOT": str(slow)})
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, INTERRUPTED)


if __name__ == "__main__":
    unittest.main()
