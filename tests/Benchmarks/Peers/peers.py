"""Measures the peers one after the other and writes one flat JSON object. Started by `run`."""

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile

import mosquitto_bridge
import nats_mirror
import rsyslog_relp

PEERS = {
    "mosquitto": (mosquitto_bridge, {"mosquitto": "mosquitto"}),
    "nats": (nats_mirror, {"nats-server": "nats-server"}),
    "rsyslog": (rsyslog_relp, {"rsyslogd": "rsyslog", "/usr/lib/x86_64-linux-gnu/rsyslog/omrelp.so": "rsyslog-relp"}),
}


def missing_packages(needs):
    return [package for program, package in needs.items()
            if not (os.path.exists(program) if program.startswith("/") else shutil.which(program))]


def main():
    parser = argparse.ArgumentParser(prog="tests/bench --peers", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of W1 (default 1000000)")
    parser.add_argument("--only", action="append", choices=sorted(PEERS), help="only this peer; may be given several times")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--dir", default=tempfile.gettempdir(), help="where the peers keep their files; the disk below is measured")
    parser.add_argument("--generator", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()

    figures = {
        "peer_date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "peer_events": options.events,
        "peer_machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, load at the start {os.getloadavg()[0]:.1f}",
    }
    not_run, failed = [], []
    with tempfile.TemporaryDirectory(prefix="zfrepl-peers-", dir=options.dir) as folder:
        workload = os.path.join(folder, "w1.jsonl")
        subprocess.run([options.generator, "--events", str(options.events), "--write-w1", workload], check=True)
        with open(workload, "rb") as file:
            lines = file.read().splitlines()
        os.remove(workload)
        for name in options.only or PEERS:
            module, needs = PEERS[name]
            missing = missing_packages(needs)
            if missing:
                not_run.append(f"{name} was NOT RUN: this machine has no {' '.join(missing)} (apt-get install {' '.join(missing)})")
                continue
            for case in module.CASES:
                print(f"\n{name}: {case.__doc__}", flush=True)
                try:
                    measured = case(lines, folder)
                except (OSError, TimeoutError, RuntimeError) as error:
                    failed.append(f"FAILED: {name}, {case.__name__}: {error}")
                    continue
                for key, value in measured.items():
                    print(f"  peer_{key:<52} {value:>16,.4g}" if value < 1000 else f"  peer_{key:<52} {value:>16,.0f}", flush=True)
                    figures[f"peer_{key}"] = round(value, 4)

    if not_run:
        figures["peer_not_run"] = "; ".join(not_run)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=2)
            file.write("\n")
    print("", *not_run, *failed, sep="\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
