"""How long a step of many ranks takes behind a link, from what two ranks were seen to exchange over a quick one.

    python link_model.py quick.json --rate 1e9 --latency 100e-6 [--measured slow.json]

The files are compare_ranks.py's (--save). Every rank has its own pairs and a link of its own, as quick both ways at once, to a
switch that never is the bottleneck. A sum of b bytes over K ranks leaves when the one before it is over, and takes twice
(K − 1)/K · b / rate, once for each rank's part of it and once for its result, and twice the latency. Rows that are gathered are
waited for: a latency, and what the K − 1 other ranks send (two of them were seen). What the way back does not hide is what is left of the sums when it is
over. Work in processors for the exchange itself is what two ranks have. With --measured two ranks behind the link are set
beside the model.
"""

import argparse
import json

RANKS = (2, 4, 8, 16, 32, 64)


def step(seen, ranks, rate, latency):
    """Seconds of a step, and those of its sums that nothing hides, its gathers' included in the first."""
    exchanges = seen["exchanges"]
    other = (ranks - 1) * exchanges["gathered_bytes"] / rate + exchanges["gathers"] * latency
    # Gathers lie along the whole way, forwards and back.
    slower = 1 + other / exchanges["finished"]
    end = 0.0
    for begun, size in exchanges["sums"]:
        end = max(end, begun * slower) + 2 * ((ranks - 1) / ranks * size / rate + latency)
    back = exchanges["finished"] * slower
    unhidden = max(0.0, end - back)
    behind = seen["seconds"] - exchanges["finished"] - exchanges["waited"]
    return back + unhidden + behind, unhidden


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("quick", help="two ranks over a link that is no bottleneck")
    parser.add_argument("--rate", type=float, default=1e9, help="of the link, bits a second (1e9)")
    parser.add_argument("--latency", type=float, default=100e-6, help="of a message beyond the quick link's, seconds (100e-6)")
    parser.add_argument("--measured", help="two ranks behind such a link")
    options = parser.parse_args()
    rate = options.rate / 8
    with open(options.quick) as file:
        quick = json.load(file)
    measured = {}
    if options.measured:
        with open(options.measured) as file:
            measured = json.load(file)
    for name, seen in quick.items():
        alone = seen["seconds"] - seen["exchanges"]["waited"]
        megabytes = sum(size for _, size in seen["exchanges"]["sums"]) / 1e6
        print(f"{name}: {megabytes:.1f} MB of gradients in {len(seen['exchanges']['sums'])} sums, "
              f"{seen['exchanges']['gathers']} gathers of {seen['exchanges']['gathered_bytes'] / 1e6:.2f} MB in all")
        print("| ranks | a step | not hidden | share | of the speed without a link |")
        print("|---|---|---|---|---|")
        for ranks in RANKS:
            seconds, unhidden = step(seen, ranks, rate, options.latency)
            print(f"| {ranks} | {seconds:.3f} s | {unhidden:.3f} s | {100 * unhidden / seconds:.1f} % | "
                  f"{alone / seconds:.2f} |")
        if name in measured:
            real = measured[name]
            print(f"measured, 2 ranks: {real['seconds']:.3f} s, of which it waits {real['exchanges']['waited']:.3f} s for sums "
                  f"and {real['exchanges']['gathering']:.3f} s to gather")


if __name__ == "__main__":
    main()
