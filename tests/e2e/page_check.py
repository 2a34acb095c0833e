# SPDX-License-Identifier: Apache-2.0
"""Reads HTML strictly: what a browser would mend is an error here."""

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "input", "link"}
# Attributes that name something else: only of the page itself, or data.
REFERENCES = {"href", "xlink:href", "src", "srcset", "action", "data", "poster"}


class Page(HTMLParser):
    """A page's parts; `problems` says what is wrong with it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.problems, self.open, self.ids, self.targets = [], [], [], []
        self.tags, self.texts, self.tables = [], [], []
        self.feed(text)
        self.close()
        if self.open:
            self.problems.append(f"never closed: {self.open}")
        self.problems += [f"id {name} twice" for name in set(self.ids)
                          if self.ids.count(name) > 1]
        self.problems += [f"nothing has the id {name}" for name in set(self.targets)
                          if name not in self.ids]

    def _look_at(self, tag, attributes):
        values = dict(attributes)
        if len(values) < len(attributes):
            self.problems.append(f"{tag} has an attribute twice")
        self.tags.append((tag, values))
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "img" and not values.get("alt"):
            self.problems.append("img without alt")
        if tag == "svg" and not (values.get("role") == "img" and values.get("aria-label")):
            self.problems.append("svg without words")
        if tag == "th" and values.get("scope") not in ("row", "col"):
            self.problems.append("th without scope")
        for name, value in attributes:
            if name in REFERENCES:
                self._look_at_reference(tag, value)
            if "url(" in (value or "") and "url(#" not in value:
                self.problems.append(f"{tag}: {value}")
            if name.startswith("on"):
                self.problems.append(f"{tag} has a script in {name}")

    def _look_at_reference(self, tag, value):
        if value.startswith("#"):
            self.targets.append(value[1:])
        elif not value.startswith("data:"):
            self.problems.append(f"{tag} leads out of the page: {value}")

    def handle_starttag(self, tag, attrs):
        self._look_at(tag, attrs)
        if tag == "tr" and "table" in self.open:
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
        elif tag == "table":
            self.tables.append([])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self._look_at(tag, attrs)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> within {self.open[-3:]}")
        else:
            self.open.pop()

    def handle_data(self, data):
        if "script" in self.open or "style" in self.open:
            return
        self.texts.append(data)
        if self.open and self.open[-1] in ("th", "td"):
            self.tables[-1][-1][-1] += data

    def unknown_decl(self, data):
        self.problems.append(f"a section of XML: {data[:30]}")

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)

    @property
    def text(self):
        return "".join(self.texts)
