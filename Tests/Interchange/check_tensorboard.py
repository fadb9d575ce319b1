"""Reads what hl-train --tensorboard writes with TensorBoard's own reader, and compares it with the log.

    python check_tensorboard.py LOG FOLDER

LOG is a file of --log of the same run, JSON. Needs tensorboard. Values are float32 there.
"""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main(log, folder):
    events = EventAccumulator(folder, size_guidance={"scalars": 0})
    events.Reload()
    wanted = {}
    for line in open(log, encoding="utf-8"):
        entry = json.loads(line)
        for name, value in entry.items():
            tag = name.replace("eval_", "eval/", 1) if name.startswith("eval_") else name
            parts = [(tag, value)]
            if isinstance(value, list):
                parts = [(f"{tag}/{index}", part) for index, part in enumerate(value)]
            for tag, part in parts:
                if name != "step" and part is not None:
                    wanted.setdefault(tag, []).append((entry["step"], part))
    assert set(wanted) == set(events.Tags()["scalars"]), (sorted(wanted), events.Tags()["scalars"])
    for tag, values in wanted.items():
        found = [(event.step, event.value) for event in events.Scalars(tag)]
        assert [step for step, _ in found] == [step for step, _ in values], tag
        assert all(abs(a - b) <= 1e-6 * max(1, abs(b)) for (_, a), (_, b) in zip(found, values)), tag
    print(f"{len(wanted)} tags, {sum(map(len, wanted.values()))} values are those of {log}")


if __name__ == "__main__":
    main(*sys.argv[1:])
