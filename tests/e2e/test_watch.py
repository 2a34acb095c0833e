# SPDX-License-Identifier: Apache-2.0
"""A view of what others train: redrawn on a terminal, line by line elsewhere."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
import unittest

from support import (BAD_MODEL, BAD_STUDY, LAMINA, OK, RECIPE, SMALL, USAGE, LaminaTest,
                     environment, lamina, start, succeed, train)

OPEN, CLOSE = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"
FRAME = b"\x1b[?2026h\x1b[H"


class Terminal:
    """`lamina watch` on a terminal of its own."""

    def __init__(self, *arguments, columns=90, rows=30, **changes):
        self.keys, inside = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(inside)
        self.process = subprocess.Popen(
            [LAMINA, "watch", *map(str, arguments)], stdin=inside, stdout=inside,
            stderr=inside, env=environment(**{"TERM": "xterm", "LC_ALL": "C.UTF-8",
                                              "NO_COLOR": None, **changes}))
        self.inside, self.output = inside, b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.keys, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def wait_for(self, *fragments, seconds=20):
        """Reads until a frame or line behind what was read so far holds all fragments."""
        begin, end = len(self.output), time.monotonic() + seconds
        while not all(fragment in self.output[begin:] for fragment in fragments):
            if not select.select([self.keys], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"{fragments} did not come: {self.output[begin:]!r}")
            self.output += os.read(self.keys, 65536)

    def close(self):
        """Reads the rest; gives the exit status."""
        end = time.monotonic() + 20
        while self.process.poll() is None or select.select([self.keys], [], [], 0)[0]:
            if select.select([self.keys], [], [], 0.05)[0]:
                self.output += os.read(self.keys, 65536)
            if time.monotonic() > end:
                self.process.kill()
                raise AssertionError("lamina watch does not end")
        status = self.process.wait()
        self.after = termios.tcgetattr(self.inside)
        os.close(self.keys)
        os.close(self.inside)
        return status

    def get_last_frame(self):
        frame = self.output.split(FRAME)[-1].split(b"\x1b[?2026l")[0]
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\r", "", frame.decode()).split("\n")


class Watched(LaminaTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.finished = cls.place / "finished"
        train(cls.finished, *SMALL)

    def make_running(self, name, rows=2, **progress):
        """The folder of a run that goes on for as long as the test likes."""
        folder = self.place / name
        shutil.copytree(self.finished, folder)
        self.set_status(folder, "running")
        lines = (folder / "metrics.csv").read_text().splitlines(keepends=True)
        (folder / "metrics.csv").write_text("".join(lines[:1 + rows]))
        if progress:
            (folder / "progress.json").write_text(json.dumps({
                "date": time.time(), "networks": 1, "networks_done": 0, "networks_total": 1,
                "step": 7, "total_steps": 10, "epoch": 1.4, "samples_per_second": 12345.0,
                "remaining_seconds": 83.0, **progress}))
        return folder

    @staticmethod
    def set_status(folder, status):
        record = json.loads((folder / "run.json").read_text())
        record["status"] = status
        (folder / "new.json").write_text(json.dumps(record))
        (folder / "new.json").rename(folder / "run.json")

    def test_a_finished_run_is_said_once(self):
        lines = succeed("watch", self.finished).out.splitlines()
        self.assertEqual(len(lines), 1)
        for fragment in ["10/10", "best validation", "finished"]:
            self.assertIn(fragment, lines[0])
        self.assertNotIn("\x1b", lines[0])

    def test_a_page_shows_curves_in_what_characters_there_are(self):
        for locale, has_braille in [("C.UTF-8", True), ("C", False)]:
            page = succeed("watch", self.finished, "--once", env={"LC_ALL": locale}).out
            self.assertNotIn("\x1b", page)
            for fragment in ["a2-fig4", "3072-50-10", "100 %", "step 10/10", "accuracy (%)"]:
                self.assertIn(fragment, page)
            self.assertEqual(any(0x2800 < ord(c) < 0x2900 for c in page), has_braille)
            self.assertEqual(page.isascii(), not has_braille)

    def test_lines_come_with_changes(self):
        folder = self.make_running("lines", rows=1, step=0)
        process = start("watch", folder, "--interval", "0.1")
        self.assertIn("0/10", process.stdout.readline())
        shutil.copy(self.finished / "metrics.csv", folder / "metrics.csv")
        self.assertIn("10/10", process.stdout.readline())
        (folder / "progress.json").unlink()
        self.set_status(folder, "finished")
        out, err = process.communicate(timeout=20)
        self.assertEqual((process.returncode, len(out.splitlines()), err), (OK, 1, ""))
        self.assertIn("finished", out)

    def test_a_terminal_is_drawn_over_and_restored(self):
        folder = self.make_running("screen", rows=1, step=7)
        terminal = Terminal(folder, "--interval", "0.1")
        terminal.wait_for(b"7/10", b"12345 samples/s", b"ETA 01:23", b"q quits", b"\x1b[?2026l")
        self.assertTrue(terminal.output.startswith(OPEN + FRAME))
        self.assertIn(b"\x1b[38;5", terminal.output)
        self.assertNotIn(b"\x1b[2J", terminal.output)
        self.assertEqual(len(terminal.get_last_frame()), 30)
        shutil.copy(self.finished / "metrics.csv", folder / "metrics.csv")
        terminal.wait_for(b"10/10")
        terminal.resize(45, 14)
        terminal.wait_for(FRAME, b"\x1b[?2026l", b"q quits")
        terminal.wait_for(FRAME, b"\x1b[?2026l", b"q quits")
        frame = terminal.get_last_frame()
        self.assertLessEqual(len(frame), 14)
        self.assertLessEqual(max(map(len, frame)), 45, frame)
        os.write(terminal.keys, b"xq")
        self.assertEqual(terminal.close(), OK)
        self.assertIn(CLOSE, terminal.output)
        self.assertIn(b"running", terminal.output.split(CLOSE)[1])
        self.assertEqual(terminal.after, terminal.before)

    def test_signals_restore_the_terminal(self):
        folder = self.make_running("signals", step=7)
        for number in [signal.SIGINT, signal.SIGTERM]:
            terminal = Terminal(folder)
            terminal.wait_for(b"q quits")
            self.assertNotEqual(termios.tcgetattr(terminal.inside), terminal.before)
            terminal.process.send_signal(number)
            self.assertEqual(terminal.close(), OK)
            self.assertIn(CLOSE, terminal.output)
            self.assertEqual(terminal.after, terminal.before)

    def test_it_ends_with_the_run(self):
        folder = self.make_running("ending", step=7)
        terminal = Terminal(folder, "--interval", "0.1", NO_COLOR="1")
        terminal.wait_for(b"q quits")
        (folder / "progress.json").unlink()
        self.set_status(folder, "finished")
        self.assertEqual(terminal.close(), OK)
        self.assertNotRegex(terminal.output, rb"\x1b\[[0-9;]*[1-9]m")
        self.assertIn(b"finished", terminal.output.split(CLOSE)[1])

    def test_a_dumb_terminal_gets_lines(self):
        terminal = Terminal(self.finished, TERM="dumb")
        self.assertEqual(terminal.close(), OK)
        self.assertNotIn(b"\x1b", terminal.output)
        self.assertEqual(terminal.output.count(b"\n"), 1)

    def test_what_is_not_there_yet_and_what_was_killed(self):
        page = succeed("watch", self.make_running("empty", rows=0), "--once").out
        self.assertIn("nothing measured yet", page)
        self.assertIn("starting, or killed", page)
        killed = self.make_running("killed", date=time.time() - 600)
        self.assertIn("not heard of for 10:0", succeed("watch", killed, "--once").out)

    def test_seeds_side_by_side(self):
        folder = self.place / "seeds"
        folder.mkdir()
        for seed, rows in [(1, 2), (2, 1)]:
            self.make_running(f"seeds/seed-{seed}", rows)
        member = self.make_running("member", networks=2, networks_total=6)
        (member / "progress.json").rename(folder / "progress.json")
        page = succeed("watch", folder, "--once").out
        for fragment in ["2 running", "models 1-2/6", "seed 1", "mean at step 10"]:
            self.assertIn(fragment, page)
        (folder / "progress.json").unlink()
        self.set_status(folder / "seed-1", "finished")
        self.set_status(folder / "seed-2", "diverged")
        self.assertIn("1 finished, 1 diverged", succeed("watch", folder).out)

    def test_studies(self):
        study = self.place / "study.db"
        succeed("search", "new", study, RECIPE, *SMALL, "-P", "l2=log:1e-5..1e-1", "--trials", "2")
        terminal = Terminal(study, "--interval", "0.1")
        terminal.wait_for(b"trials 0/2", b"l2=log:1e-5..0.1", b"0 workers")
        succeed("search", "run", study, "-q", "--population", "2")
        self.assertEqual(terminal.close(), OK)
        self.assertIn(b"trials 2/2", terminal.output.split(CLOSE)[1])
        for command in [["watch"], ["search", "watch"]]:
            self.assertIn("trials 2/2", succeed(*command, study).out)
        page = succeed("watch", study, "--once", env={"LC_ALL": "C.UTF-8"}).out
        for fragment in ["best so far", "over", "100 %"]:
            self.assertIn(fragment, page)

    def test_mistakes_are_named(self):
        missing = self.place / "missing"
        self.assert_one_message(lamina("watch", missing), BAD_MODEL, str(missing))
        self.assert_one_message(lamina("watch", RECIPE), BAD_STUDY, RECIPE)
        for arguments in [[], [missing, missing], [missing, "--interval", "0"]]:
            self.assertEqual(lamina("watch", *arguments).status, USAGE)


if __name__ == "__main__":
    unittest.main()
