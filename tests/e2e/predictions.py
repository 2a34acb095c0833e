# SPDX-License-Identifier: Apache-2.0
"""Files of predictions taken apart: `lamina predict -o` and `lamina ensemble -o`."""

import csv


class Predictions:
    """Rows as lists of class numbers and probabilities."""

    def __init__(self, lines):
        self.header, *rows = csv.reader(lines)
        named = self.header.index("predicted_class") + 1
        named += "voted_class" in self.header
        self.names = self.header[named:]
        columns = {name: [row[i] for row in rows] for i, name in enumerate(self.header[:named])}
        self.indices = list(map(int, columns["index"]))
        self.labels = list(map(self.names.index, columns["true_class"]))
        self.classes = list(map(self.names.index, columns["predicted_class"]))
        self.votes = list(map(self.names.index, columns.get("voted_class", [])))
        self.probabilities = [list(map(float, row[named:])) for row in rows]

    def get_accuracy(self, classes=None):
        classes = self.classes if classes is None else classes
        return sum(map(int.__eq__, classes, self.labels)) / len(self.labels)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return Predictions(file)


def find_greatest(values):
    """The first greatest."""
    return max(range(len(values)), key=values.__getitem__)
