"""The samples, their medians and ratios; as a table and as JSON."""

import json
import statistics

BASE = "runc"
IDLE_SANDBOX_LIMIT_MIB = 16


class Report:
    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self._samples = {(row.name, column): [] for row in rows for column in columns}
        self._failures = {}

    def add(self, row, column, value):
        self._samples[row.name, column].append(value)

    def fail(self, row, column, message):
        self._failures.setdefault((row.name, column), message)

    @property
    def failures(self):
        return self._failures

    def median(self, row, column):
        samples = self._samples.get((row.name, column))
        return statistics.median(samples) if samples else None

    def ratio(self, row, column):
        """Against the host kernel under runc; of times, a smaller one is better."""
        base, value = self.median(row, BASE), self.median(row, column)
        return value / base if base and value is not None else None

    def below_floor(self, column="moat"):
        """What misses a promise: text, one per row."""
        missed = []
        for row in self.rows:
            value, ratio = self.median(row, column), self.ratio(row, column)
            if row.name == "idle-sandbox" and value is not None and value > IDLE_SANDBOX_LIMIT_MIB:
                missed.append(f"{row.name}: {value:.1f} MiB, at most {IDLE_SANDBOX_LIMIT_MIB}")
            if row.floor is None or ratio is None:
                continue
            if ratio < row.floor if row.higher_is_better else ratio > row.floor:
                bound = "at least" if row.higher_is_better else "at most"
                missed.append(f"{row.name}: {ratio:.2f} of {BASE}, {bound} {row.floor}")
        return missed

    def as_json(self):
        rows = []
        for row in self.rows:
            columns = {}
            for column in self.columns:
                columns[column] = {"median": self.median(row, column), "ratio": self.ratio(row, column),
                                   "samples": self._samples[row.name, column],
                                   "failure": self._failures.get((row.name, column))}
            rows.append({"name": row.name, "unit": row.unit, "floor": row.floor,
                         "higher_is_better": row.higher_is_better, "columns": columns})
        return json.dumps({"rows": rows, "below_floor": self.below_floor()}, indent=2)

    def as_table(self):
        heads = ["", "unit"]
        for column in self.columns:
            heads += [column] if column == BASE else [column, "ratio"]
        lines = [heads]
        for row in self.rows:
            line = [row.name, row.unit + ("" if row.higher_is_better else " (less is better)")]
            for column in self.columns:
                line.append(self._cell(row, column))
                if column != BASE:
                    ratio = self.ratio(row, column)
                    line.append("" if ratio is None else f"{ratio:.2f}")
            lines.append(line)
        widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
        def show(line):
            cells = [cell.ljust(width) if i < 2 else cell.rjust(width)
                     for i, (cell, width) in enumerate(zip(line, widths))]
            return "| " + " | ".join(cells) + " |"
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        return "\n".join([show(lines[0]), rule] + [show(line) for line in lines[1:]])

    def _cell(self, row, column):
        value = self.median(row, column)
        if value is None:
            return "failed" if (row.name, column) in self._failures else "-"
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value < 1 else f"{value:.1f}"
