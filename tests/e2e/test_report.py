# SPDX-License-Identifier: Apache-2.0
"""`lamina report`: pages on runs and studies as HTML and Markdown, and what they lack."""

import json
import re
import shutil
import subprocess
import unittest
from pathlib import Path
from shutil import which
from urllib.parse import unquote

from page_check import Page
from support import (BAD_MODEL, BAD_OUTPUT, NO_RENDERER, OK, RECIPE, SMALL, SOURCE_ROOT, USAGE,
                     LaminaTest, lamina, read_record, succeed)

HOSTILE = "größe </p><script>x()</script> & \"quotes\" 日本語 {sub}_2 | `code` $PATH %s"
LONG = "a-very-long-name-" + 46 * "x"
CHROMIUM = which("chromium")

# Says how wide a page of 400 pixels wants to be, and how many headings can be pressed.
PROBE = """<!DOCTYPE html><iframe id=f style="width:400px;height:900px;border:0" src="%s"></iframe>
<script>onload = () => {
  const page = document.getElementById("f").contentDocument;
  document.body.append("width=" + page.documentElement.scrollWidth + " ");
  const heads = page.querySelectorAll("th button");
  document.body.append("buttons=" + heads.length + " ");
  const column = [...page.querySelectorAll("table")].find((t) => t.querySelector("button"));
  const read = () => [...column.tBodies[0].rows].map((r) => r.cells[0].textContent).join();
  const button = column.querySelector("button");
  button.click();
  document.body.append("up=" + read() + " ");
  button.click();
  document.body.append("down=" + read() + " ");
  document.body.append("sort=" + button.parentNode.getAttribute("aria-sort") + " ");
}</script>"""


class ReportTest(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.seeds = cls.place / "all" / "seeds"
        cls.run_folder = cls.seeds / "seed-1"
        cls.study = cls.place / "all" / "found.db"
        cls.empty_study = cls.place / "empty.db"
        succeed("train", RECIPE, "-q", "-o", cls.seeds, *SMALL, "--seeds", "1,2")
        space = ["-P", "l2=log:1e-4..1e-1", "-P", "optimizer.type=choice:sgd,momentum"]
        for study in cls.study, cls.empty_study:
            succeed("search", "new", study, RECIPE, *SMALL, *space, "--trials", 4, "--seeds", 2)
        succeed("search", "run", cls.study, "--data", "synthetic", "-q")

    def check(self, output):
        """Gives a page, which must be sound."""
        page = Page(output.read_text(encoding="utf-8"))
        self.assertEqual(page.problems, [])
        self.assertEqual(page.count("script"), 1)
        return page

    def report(self, *arguments):
        """A page with its figures."""
        output = self.place / "page.html"
        self.assertEqual(succeed("report", *arguments, "-o", output).out, f"{output}\n")
        return self.check(output)

    def write_plain(self, *arguments, output="plain.html"):
        """A page whose figures are not drawn, which is quick."""
        output = self.place / output
        result = lamina("report", *arguments, "-o", output, "--no-device",
                        env={"LAMINA_GNUPLOT": "/nonexistent/gnuplot"})
        self.assertEqual((result.status, result.out), (NO_RENDERER, f"{output}\n"), result.err)
        return self.check(output)

    def assert_told(self, page, *texts):
        for text in texts:
            self.assertTrue(text in page.text, f"no '{text}' on the page")

    def change_run(self, name, **changes):
        """A copy of a run with another record."""
        folder = self.place / name
        shutil.copytree(self.run_folder, folder)
        record = read_record(folder)
        record["recipe"].update(changes.pop("recipe", {}))
        record.update(changes)
        record = {key: value for key, value in record.items() if value is not None}
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
        return folder

    def test_a_run_has_results_figures_and_settings(self):
        page = self.report(self.run_folder)
        final = read_record(self.run_folder)["final"]
        results = {row[1]: row for row in page.tables[0][1:] if row[0] == "trained"}
        for split, metrics in final.items():
            self.assertEqual(results[split][2:], [f"{100 * metrics['accuracy']:.2f}",
                                                  f"{metrics['loss']:.4f}",
                                                  f"{metrics['cost']:.4f}"])
        self.assertGreaterEqual(page.count("figure"), 5)
        self.assertEqual(page.count("svg") + page.count("img"), page.count("figure"))
        self.assert_told(page, "lamina train a2-fig4.json\n", "Lamina 0.")
        self.assertFalse((self.place / "page-figures").exists())

    def test_the_printed_command_gives_the_same_run(self):
        page = self.write_plain(self.run_folder)
        recipe = page.text[page.text.index('{\n  "name"'):]
        recipe = recipe[:recipe.index("\n}") + 2]
        (self.place / "a2-fig4.json").write_text(recipe, encoding="utf-8")
        succeed("train", "a2-fig4.json", "-q", "-o", "again", cwd=self.place)
        self.assertEqual((self.place / "again/metrics.csv").read_text(),
                         (self.run_folder / "metrics.csv").read_text())

    def test_a_folder_of_seeds_and_studies_is_one_page(self):
        page = self.report(self.place / "all", "--no-device")
        self.assert_told(page, "found.db")
        self.assert_told(page, "Means over 2 networks")
        self.assert_told(page, "--no-device was given")
        self.assert_told(page, "lamina search new study.db")
        ranking = next(table for table in page.tables if table[0][0] == "configuration")
        self.assertEqual(len(ranking), 1 + 4)
        self.assertEqual(ranking[1][-1], "the first")
        self.assertEqual(sorted({row[2] for row in ranking[1:]}), ["momentum", "sgd"])
        seeds = next(table for table in page.tables if table[0][0] == "seed")
        self.assertEqual([row[0] for row in seeds[1:]], ["1", "2"])

    def test_several_runs_are_compared(self):
        other = self.change_run("other", recipe={"name": LONG})
        page = self.write_plain(self.seeds, other)
        self.assert_told(page, "Runs compared")
        self.assertEqual([row[0] for row in page.tables[0][1:]], ["a2-fig4", LONG])

    def test_benchmarks_and_range_tests_have_sections(self):
        folder = self.place / "all" / "range"
        succeed("lr-range", RECIPE, "--data", "synthetic", "--set", "data.train_first=500",
                "--steps", 20, "-o", folder)
        page = self.write_plain(self.place / "all", *SOURCE_ROOT.glob("results/bench/*.json"))
        shutil.rmtree(folder)
        names = [path.name for path in SOURCE_ROOT.glob("results/bench/*.json")]
        self.assert_told(page, "found.db", "a2-fig4", "range", *names)

    def test_markdown_links_to_its_figures(self):
        output = self.place / "a page.md"
        listed = json.loads(succeed("report", self.run_folder, "-o", output, "--no-device",
                                    "--json").out)
        self.assertEqual(listed["report"], str(output))
        text = output.read_text(encoding="utf-8")
        links = re.findall(r"!\[([^]]+)\]\(([^)]+)\)", text)
        self.assertEqual([Path(unquote(link)).stem for _, link in links],
                         [figure["name"] for figure in listed["figures"]])
        for _, link in links:
            self.assertTrue(link.startswith("a%20page-figures/"))
            self.assertTrue((self.place / unquote(link)).is_file(), link)

    def test_hostile_names_stay_words(self):
        run = self.change_run("<b>läufe & 'x'", recipe={"description": HOSTILE})
        page = self.write_plain(run, "--title", HOSTILE)
        self.assertGreaterEqual(page.text.count(HOSTILE), 3)
        self.assertEqual(page.count("b"), 0)

    def test_a_run_that_goes_on_shows_what_it_has(self):
        run = self.change_run("unfinished", status="interrupted", final=None, best=None)
        self.assert_told(self.write_plain(run), "not finished: its latest measurement",
                         "none is finished")
        (run / "metrics.csv").write_text("")
        self.assert_told(self.report(run), "Nothing has been measured yet")

    def test_a_study_without_results_is_told_of(self):
        self.assert_told(self.report(self.empty_study), "8 in all, 8 waiting",
                         "No configuration has been trained to its end yet")

    def test_missing_data_or_device_costs_some_figures(self):
        run = self.change_run("elsewhere", data_directory="/nonexistent",
                              recipe={"data": {"source": "cifar10", "train_files": [1],
                                               "validation_files": [2]}})
        self.assert_told(self.report(run), "What the network says of the test images: left out: "
                         "/nonexistent")
        output = self.place / "no-device.html"
        result = lamina("report", self.run_folder, "-o", output, "--device", "nothing")
        self.assertEqual(result.status, OK)
        self.assertIn("lamina: warning: no device: ", result.err)
        self.assert_told(self.check(output), "is not shown: ")

    def test_without_gnuplot_there_are_tables(self):
        page = self.write_plain(self.run_folder, self.study, output="drawn later.html")
        self.assertEqual(page.count("svg"), 0)
        self.assertGreater(page.count("table"), 3)
        names = re.findall(r"No picture: (\S+)\.gp draws it", page.text)
        self.assertGreater(len(names), 4)
        for name in names:
            self.assertTrue((self.place / f"drawn later-figures/{name}.tsv").exists())
        self.assertEqual(page.text.count("could not be drawn"), 1)

    def test_refusals_write_nothing(self):
        missing = self.place / "missing"
        damaged = self.place / "damaged"
        damaged.mkdir()
        (damaged / "run.json").write_text("{")
        output = self.place / "never.html"
        for arguments, status, fragment in [
                ([missing], USAGE, str(missing)),
                ([self.run_folder, missing], USAGE, str(missing)),
                ([damaged], BAD_MODEL, str(damaged)),
                ([self.place / "all/seeds/seed-1/metrics.csv"], USAGE, "metrics.csv")]:
            result = lamina("report", *arguments, "-o", output)
            self.assert_one_message(result, status, fragment)
        result = lamina("report", self.run_folder, "--no-device", "-o", missing / "x.html")
        self.assert_one_message(result, BAD_OUTPUT, "x.html")
        self.assertFalse(output.exists() or (self.place / "never-figures").exists())

    def test_usage_errors(self):
        for arguments, fragment in [([], "PATH"), (["x", "-o", "page.txt"], "--format"),
                                    (["x", "-o", "-"], "stdout"),
                                    (["x", "--format", "pdf"], "html, md"),
                                    (["x", "--theme", "blue"], "light, dark")]:
            result = lamina("report", *arguments)
            self.assertEqual((result.status, result.out), (USAGE, ""))
            self.assertIn(fragment, result.err)

    @unittest.skipUnless(CHROMIUM, "chromium is not installed")
    def test_browser_shows_it_on_a_narrow_screen(self):
        run = self.change_run("narrow", recipe={"name": LONG, "description": 1000 * "x"})
        page = self.report(run, self.study, "--no-device", "--title", 300 * "W")
        self.assertGreater(page.count("svg"), 3)
        probe = self.place / "probe.html"
        probe.write_text(PROBE % "page.html")
        shown = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
             "--allow-file-access-from-files", f"--user-data-dir={self.place / 'browser'}",
             "--dump-dom", probe.as_uri()],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120,
            check=True).stdout
        found = dict(re.findall(r"(\w+)=(\S+) ", shown[shown.rindex("</script>"):]))
        self.assertLessEqual(int(found["width"]), 400)
        self.assertGreater(int(found["buttons"]), 5)
        up = found["up"].split(",")
        self.assertEqual(found["sort"], "descending")
        self.assertEqual(up, sorted(up))
        self.assertEqual(found["down"].split(","), sorted(up, reverse=True))


if __name__ == "__main__":
    unittest.main()
