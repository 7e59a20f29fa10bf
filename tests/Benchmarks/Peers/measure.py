"""Servers as child processes, and what they use: processor time, memory, disk, bytes on a link."""

import os
import re
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 300.0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def connect(port, patience=20.0):
    """A connection to a port of the loopback interface, as soon as somebody listens there."""
    end = time.monotonic() + patience
    while True:
        try:
            s = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return s
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def wait_until(done, what, patience=PATIENCE, pause=0.02):
    end = time.monotonic() + patience
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} took too long")
        time.sleep(pause)


def folder_bytes(folder):
    """The disk space that the files below take, as allocated."""
    return sum(os.stat(os.path.join(path, name)).st_blocks * 512
               for path, _, names in os.walk(folder) for name in names)


class Server:
    """A program of the machine, in a folder of its own; ended at the latest when the block is left."""

    def __init__(self, folder, *command):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.log = os.path.join(folder, "output.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.links = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self.process.pid

    def cpu(self):
        """Seconds of processor time so far, user and kernel."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_mb(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1000

    def link_bytes(self, port):
        """
        Payload bytes, both directions, of this process's TCP connections to a port; those that are closed with what they had when this
        was called last.
        """
        output = subprocess.run(["ss", "-tinpH", "dst", f"127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
        for head, info in zip(*[iter(output.splitlines())] * 2):
            if f"pid={self.pid}," in head:
                counters = re.findall(r"\bbytes_(?:sent|received):(\d+)", info)
                self.links[head.split()[3]] = sum(int(c) for c in counters)
        return sum(self.links.values())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def batches(lines, size):
    return lines if size == 1 else [b"\n".join(lines[i:i + size]) for i in range(0, len(lines), size)]


def summary(name, events, store, drain, edge_cpu, hub_cpu, **rest):
    """The measures that all peers have in common."""
    return {
        f"{name}_store_events_per_s": events / store,
        f"{name}_drain_events_per_s": events / drain,
        f"{name}_drain_s": drain,
        f"{name}_edge_cpu_seconds_per_million": edge_cpu / events * 1e6,
        f"{name}_hub_cpu_seconds_per_million": hub_cpu / events * 1e6,
        **{f"{name}_{key}": value for key, value in rest.items()},
    }
