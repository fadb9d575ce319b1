"""Checks the joules of Tests/HLRecordsTests/Cost/EnergyMeterTests.swift against CodeCarbon 3 on the same counters.

    python check_energy.py

Each case is a folder of counters in the form of /sys/class/powercap, what its counters show reading by reading, and the
joules that were worked out by hand. Needs codecarbon (3.3.2).
"""

import logging
import sys
import tempfile
from pathlib import Path

from codecarbon.core.cpu import IntelRAPL
from codecarbon.core.units import Time

RANGE = 262_143_328_850
WIDE = 65_532_610_987_000

# name: ({folder: (domain, range)}, [{folder: microjoules} at the start and at every reading], joules)
CASES = {
    "packages": (
        {
            "intel-rapl:0": ("package-0", RANGE),
            "intel-rapl:1": ("package-1", RANGE),
            "intel-rapl:2": ("psys", None),
            "intel-rapl:3": ("dram", None),
            "intel-rapl:0/intel-rapl:0:0": ("core", None),
            "intel-rapl:0/intel-rapl:0:1": ("dram", None),
        },
        [
            {"intel-rapl:0": 1_000_000, "intel-rapl:1": 9_000_000, "intel-rapl:2": 40_000_000, "intel-rapl:3": 70_000,
             "intel-rapl:0/intel-rapl:0:0": 500_000, "intel-rapl:0/intel-rapl:0:1": 200_000},
            {"intel-rapl:0": 4_500_000, "intel-rapl:1": 11_000_000, "intel-rapl:2": 90_000_000,
             "intel-rapl:3": 2_070_000, "intel-rapl:0/intel-rapl:0:0": 3_000_000,
             "intel-rapl:0/intel-rapl:0:1": 900_000},
            {"intel-rapl:0": 5_000_000},
        ],
        6.0,
    ),
    "wrap": (
        {"intel-rapl:0": ("package-0", RANGE)},
        [{"intel-rapl:0": 262_000_000_000}, {"intel-rapl:0": 500_000_000}, {"intel-rapl:0": 501_000_000}],
        644.32885,
    ),
    "backwards": (
        {"intel-rapl:0": ("package-0", None)},
        [{"intel-rapl:0": 8_000_000}, {"intel-rapl:0": 3_000_000}, {"intel-rapl:0": 4_000_000}],
        1.0,
    ),
    "unreadable": (
        {"intel-rapl:0": ("package-0", 100_000_000), "intel-rapl:1": ("package-1", 100_000_000)},
        [
            {"intel-rapl:0": 1_000_000, "intel-rapl:1": 50_000_000},
            {"intel-rapl:0": 3_000_000, "intel-rapl:1": "no number"},
            {"intel-rapl:1": 60_000_000},
            {"intel-rapl:1": 61_500_000},
        ],
        3.5,
    ),
    "mirrored": (
        {
            "intel-rapl:0": ("package-0-die-0", WIDE),
            "intel-rapl:1": ("package-0-die-1", WIDE),
            "intel-rapl:2": ("package-1-die-0", WIDE),
        },
        [
            {"intel-rapl:0": 700_000_000_000, "intel-rapl:1": 700_000_400_000, "intel-rapl:2": 810_000_000_000},
            {"intel-rapl:0": 700_050_000_000, "intel-rapl:1": 700_050_300_000, "intel-rapl:2": 810_020_000_000},
            {"intel-rapl:1": 700_090_000_000},
        ],
        70.0,
    ),
    "equal by chance": (
        {"intel-rapl:0": ("package-0", 65_532_610_987), "intel-rapl:1": ("package-1", 65_532_610_987)},
        [
            {"intel-rapl:0": 5_000_000_000, "intel-rapl:1": 5_000_000_000},
            {},
            {"intel-rapl:0": 5_030_000_000, "intel-rapl:1": 5_012_000_000},
        ],
        42.0,
    ),
    "mmio": (
        {"intel-rapl:0": ("package-0", RANGE), "intel-rapl-mmio:0": ("package-0", RANGE)},
        [
            {"intel-rapl:0": 1_000_000, "intel-rapl-mmio:0": 88_000_000},
            {"intel-rapl:0": 31_000_000, "intel-rapl-mmio:0": 119_000_000},
        ],
        31.0,
    ),
    "psys alone": (
        {"intel-rapl:1": ("psys", RANGE), "intel-rapl:0": ("core", None)},
        [{"intel-rapl:1": 2_000_000, "intel-rapl:0": 1_000_000}, {"intel-rapl:1": 9_000_000, "intel-rapl:0": 5_000_000}],
        7.0,
    ),
}


def measured(zones, readings):
    """Joules by CodeCarbon. It looks for counters one folder below a control type, `intel-rapl/intel-rapl:0`."""
    with tempfile.TemporaryDirectory() as root:
        base = Path(root) / "intel-rapl"

        def place(folder):
            kind = "intel-rapl-mmio" if folder.startswith("intel-rapl-mmio") else "intel-rapl"
            return base / kind / folder

        def show(values):
            for folder, value in values.items():
                (place(folder) / "energy_uj").write_text(f"{value}\n")

        for folder, (name, most) in zones.items():
            place(folder).mkdir(parents=True, exist_ok=True)
            (place(folder) / "name").write_text(name + "\n")
            if most is not None:
                (place(folder) / "max_energy_range_uj").write_text(f"{most}\n")
        show(readings[0])
        counters = IntelRAPL(rapl_dir=str(base))
        counters.start()
        joules = 0.0
        for values in readings[1:]:
            show(values)
            details = counters.get_cpu_details(Time.from_seconds(1))
            joules += sum(value for key, value in details.items() if "Energy" in key) * 3.6e6
        return joules


def main():
    logging.getLogger("codecarbon").setLevel(logging.ERROR)
    failures = 0
    for name, (zones, readings, expected) in CASES.items():
        found = measured(zones, readings)
        # CodeCarbon has a kilowatt hour to six digits.
        is_equal = abs(found - expected) < 2e-6 * expected
        print(f"{name}: {found:.6f} J by CodeCarbon, {expected} J by hand{'' if is_equal else ': DIFFERENT'}")
        failures += not is_equal
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
