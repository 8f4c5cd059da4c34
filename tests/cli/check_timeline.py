#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a timeline as a viewer does, and compares it with the statistics.

usage: check_timeline.py TIMELINE [STATS.json]

TIMELINE is JSON of Chrome's Trace Event Format ("Trace Event Format", Google):
events are sorted by time, those of one time keep the order of the file (as
Perfetto's trace sorter does); B opens a slice on its thread, E closes the last
that is open; b and e pair by category and id; s and f of one id belong to the
slices open on their threads at that moment (bp: e). Wrong: a thing that does
not pair, an arrow that goes back in time or hangs in the air, a slice longer
than what it lies in, a walker with two walks at a time.

With STATS.json of the same run (the whole run, no window), the cycles of all
slices of a category must be those of the bucket, and events as many as the
counters say. Prints what there is; the exit status is 1 if anything is wrong.
"""
import collections
import gzip
import json
import sys

DRAWN = ("walk fault kernel lock flush_local ipi_send ipi_wait ipi_handler "
         "switch idle order").split()
USER = "base memory l1_tlb l2_tlb l3_tlb".split()


class Wrong(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Wrong(text)


def load(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as file:
        return json.load(file)


class Reader:
    def __init__(self):
        self.names = {}
        self.open = collections.defaultdict(list)
        self.open_async = {}
        self.arrows = {}
        self.cycles = collections.Counter()
        self.count = collections.Counter()
        self.depth = 0

    def event(self, event):
        handler = {"M": self.meta, "B": self.begin, "E": self.end,
                   "b": self.begin_async, "e": self.end_async,
                   "s": self.arrow_from, "f": self.arrow_to, "i": self.mark}
        require(event["ph"] in handler, f"phase {event['ph']}")
        handler[event["ph"]](event)

    def meta(self, event):
        if event["name"] == "thread_name":
            require(event["tid"] not in self.names, "a track named twice")
            self.names[event["tid"]] = event["args"]["name"]

    def begin(self, event):
        stack = self.open[event["tid"]]
        if event["cat"] == "walker":
            require(not stack, f"two walks at a time: {event}")
        stack.append(event)
        self.depth = max(self.depth, len(stack))

    def end(self, event):
        stack = self.open[event["tid"]]
        require(stack, f"E without B: {event}")
        begun = stack.pop()
        require(begun["name"] == event["name"], f"ends another: {event}")
        begin = event["args"]["cycle"]
        end = begin + event["args"]["cycles"]
        require(begun.get("from", begin) >= begin,
                f"begins after what lies in it: {event}")
        if stack:
            stack[-1].setdefault("from", begin)
            self.inside(begun, stack[-1], end)
        self.cycles[begun["cat"]] += event["args"]["cycles"]
        self.count[begun["cat"]] += 1
        if begun["cat"] == "page fault":
            self.count["fault " + event["args"]["kind"]] += 1

    def inside(self, begun, outer, end):
        outer["until"] = max(outer.get("until", 0), end)
        require(begun.get("until", 0) <= end,
                f"shorter than what lies in it: {begun}")

    def begin_async(self, event):
        key = event["cat"], event["id"]
        require(key not in self.open_async, f"b twice: {event}")
        self.open_async[key] = event

    def end_async(self, event):
        begun = self.open_async.pop((event["cat"], event["id"]), None)
        require(begun, f"e without b: {event}")
        require(begun["ts"] <= event["ts"], f"ends before it begins: {event}")
        self.count[event["cat"]] += 1
        self.count["targets"] += begun["args"]["targets"]

    def arrow_from(self, event):
        require(event["id"] not in self.arrows, f"s twice: {event}")
        require(self.open[event["tid"]], f"an arrow from nowhere: {event}")
        event["slice"] = self.open[event["tid"]][-1]
        self.arrows[event["id"]] = event

    def arrow_to(self, event):
        start = self.arrows.pop(event["id"], None)
        require(start, f"f without s: {event}")
        require(event["bp"] == "e", f"binds to what comes next: {event}")
        stack = self.open[event["tid"]]
        require(stack, f"an arrow to nowhere: {event}")
        require(stack[-1]["cat"] in ("ipi_handler", "idle", "switch"),
                f"an arrow to {stack[-1]['cat']}: {event}")
        require(start["tid"] != event["tid"], "an arrow to its own CPU")
        self.count["arrows"] += 1
        self.count["arrows from " + start["slice"]["cat"]] += 1

    def mark(self, event):
        require(event["s"] == "p", f"scope of a mark: {event}")
        self.count["marks"] += 1

    def finish(self):
        for tid, stack in self.open.items():
            require(not stack, f"{self.names.get(tid)}: never ends: {stack}")
            require(tid in self.names, f"track {tid} has no name")
        require(not self.open_async, f"never ends: {self.open_async}")
        require(not self.arrows, f"arrows without a head: {self.arrows}")


def compare(reader, stats):
    def same(what, drawn, name):
        require(drawn == stats.get(name, 0),
                f"{what}: drawn {drawn}, {name} says {stats.get(name, 0)}")

    for bucket in DRAWN:
        same(bucket, reader.cycles[bucket], f"cycles.{bucket}")
    for name in stats:
        if name.startswith("faults."):
            same(name, reader.count["fault " + name[7:]], name)
    same("walks", reader.count["walker"], "walker.walks")
    same("walks' cycles", reader.cycles["walker"], "walker.cycles")
    same("shootdowns", reader.count["shootdown"], "shootdown.count")
    same("targets", reader.count["targets"], "shootdown.targets")
    user = sum(stats[f"cycles.{bucket}"] for bucket in USER)
    require(user <= reader.cycles["thread"],
            "user code outside of any thread's slice")


def main(path, stats_path=None):
    events = load(path)["traceEvents"]
    reader = Reader()
    try:
        for event in events:
            require(event["pid"] == 1, f"process: {event}")
            require(event["ph"] == "M" or event["ts"] >= 0, f"time: {event}")
        for event in sorted(events, key=lambda e: e.get("ts", -1)):
            reader.event(event)
        reader.finish()
        if stats_path:
            compare(reader, load(stats_path)["stats"])
    except (Wrong, KeyError) as wrong:
        print(f"{path}: {wrong!r}")
        return 1
    print(f"{len(events)} events, {len(reader.names)} tracks, depth "
          f"{reader.depth}, " +
          ", ".join(f"{n} {what}" for what, n in sorted(reader.count.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
