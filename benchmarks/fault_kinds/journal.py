"""The finished cases of a run of the faults, and their table."""

import collections
import json

from fault_kinds.outcome import MUST_BE_ZERO
from fault_kinds.outcome import OUTCOMES


class Journal:
    """A file with a line of JSON per finished case, which a rerun continues.

    Args:
        path: `pathlib.Path` of the file.
        seed: int. Lines of other seeds are left aside.
    """

    def __init__(self, path, seed):
        self.path = path
        self.seed = seed
        self.cases = {}  # (kind, number): list of dicts
        if path.is_file():
            for line in path.read_text().splitlines():
                try:
                    cases = json.loads(line)
                except ValueError:  # the line that a kill cut off
                    continue
                if cases[0]["seed"] == seed:
                    key = cases[0]["kind"], cases[0]["number"]
                    self.cases[key] = cases

    def add(self, kind, number, outcomes, seconds):
        """Appends a case: the kind's name, its number and its outcomes."""
        cases = [
            {
                "seed": self.seed,
                "kind": kind,
                "number": number,
                **outcome._asdict(),
                "seconds": round(seconds / len(outcomes), 2),
            }
            for outcome in outcomes
        ]
        self.cases[kind, number] = cases
        with open(self.path, "a") as file:
            file.write(f"{json.dumps(cases)}\n")

    def of(self, kind, count):
        """Returns the outcomes of a kind's cases with numbers below `count`."""
        return [
            case
            for (name, number), cases in self.cases.items()
            if name == kind and number < count
            for case in cases
        ]

    def table(self, counts):
        """Returns the lines of the table, and whether what must be 0 is 0.

        Args:
            counts: dict, kind -> number of cases.
        """
        head = "".join(f"{name:>23}" for name in OUTCOMES)
        lines = [f"{'kind':18}{'tried':>7}{head}{'seconds':>9}"]
        total = collections.Counter()
        for kind, count in counts.items():
            found = self._count(kind, count)
            total += found
            lines.append(_row(kind, found))
        lines.append(_row("all", total))
        return lines, not any(total[name] for name in MUST_BE_ZERO)

    def failures(self, counts):
        """Yields `(outcome, what, count, remark)` of what must not be."""
        groups = collections.defaultdict(list)
        for kind, count in counts.items():
            for case in self.of(kind, count):
                if case["outcome"] in MUST_BE_ZERO:
                    key = case["outcome"], f"{kind}: {case['what']}"
                    groups[key].append(f"#{case['number']} {case['remark']}")
        for (outcome, what), remarks in sorted(groups.items()):
            yield outcome, what, len(remarks), remarks[0]

    def _count(self, kind, count):
        found = collections.Counter()
        for case in self.of(kind, count):
            found["tried"] += case["tried"]
            found[case["outcome"]] += case["tried"]
            found["seconds"] += case["seconds"]
        return found


def _row(kind, found):
    cells = "".join(f"{found[name]:23}" for name in OUTCOMES)
    return f"{kind:18}{found['tried']:7}{cells}{found['seconds']:9.0f}"
