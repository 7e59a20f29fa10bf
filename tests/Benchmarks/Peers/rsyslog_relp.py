"""rsyslog: lines over TCP into a disk-assisted queue, forwarded over RELP."""

import json
import os
import threading
import time

from measure import Server, connect, folder_bytes, free_port, summary, wait_until

QUIET = 15.0


def config(folder, text):
    os.makedirs(os.path.join(folder, "spool"), exist_ok=True)
    path = os.path.join(folder, "rsyslog.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def edge_config(folder, port, hub_port, queue):
    return config(folder, f"""global(workDirectory="{folder}/spool")
module(load="imtcp")
module(load="omrelp")
module(load="impstats" interval="1" format="json" log.syslog="off" log.file="{folder}/stats.json")
template(name="raw" type="string" string="%rawmsg%")
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="forward" name="in")
ruleset(name="forward") {{
  action(type="omrelp" name="fwd" target="127.0.0.1" port="{hub_port}" template="raw" windowSize="5000"
         action.resumeRetryCount="-1" action.resumeInterval="1" {queue})
}}
""")


DISK_ASSISTED = """queue.type="LinkedList" queue.filename="fwd" queue.size="50000" queue.maxDiskSpace="4g"
         queue.saveOnShutdown="on" queue.timeoutEnqueue="60000\""""
SYNCED = """queue.type="Disk" queue.filename="fwd" queue.size="5000000" queue.maxDiskSpace="4g"
         queue.saveOnShutdown="on" queue.timeoutEnqueue="60000" queue.syncQueueFiles="on" queue.checkpointInterval="1\""""


def hub_config(folder, port):
    return config(folder, f"""global(workDirectory="{folder}/spool")
module(load="imrelp")
template(name="raw" type="string" string="%rawmsg%\\n")
input(type="imrelp" port="{port}" address="127.0.0.1" ruleset="write")
ruleset(name="write") {{
  action(type="omfile" file="{folder}/out.jsonl" template="raw" ioBufferSize="256k" asyncWriting="off" flushOnTXEnd="on")
}}
""")


def start(folder, file):
    return Server(folder, "rsyslogd", "-n", "-f", file, "-i", os.path.join(folder, "rsyslogd.pid"))


def statistics(folder):
    """The last value of each counter that the edge has reported; once a second."""
    latest = {}
    try:
        with open(os.path.join(folder, "stats.json"), encoding="utf-8") as file:
            for line in file:
                at = line.find("{")
                try:
                    row = json.loads(line[at:])
                except ValueError:
                    continue  # The last line may be half written.
                latest[row.get("name")] = row
    except FileNotFoundError:
        pass
    return latest


def queued(folder):
    """Events that the forwarding queue has taken so far."""
    return int(statistics(folder).get("fwd queue", {}).get("enqueued", 0))


def send_all(port, lines):
    s = connect(port)
    begun = time.monotonic()
    data = b"\n".join(lines) + b"\n"
    view = memoryview(data)
    try:
        for at in range(0, len(data), 1 << 16):
            s.sendall(view[at:at + (1 << 16)])
    except (ConnectionResetError, BrokenPipeError):
        pass  # The server was killed: the case that does this knows.
    s.close()
    return begun


class Output:
    """The file at the far end."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "out.jsonl")

    def bytes(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def wait(self, expected_bytes, patience=120.0, meanwhile=lambda: None):
        """Until so much is there or nothing comes any more. Returns the time between the first and the last byte."""
        before, first, last = 0, None, time.monotonic()
        looked = last
        while before < expected_bytes and time.monotonic() - last < (QUIET if before else patience):
            now = self.bytes()
            if now > before:
                before, last = now, time.monotonic()
                first = first or last
            if time.monotonic() - looked > 0.25:
                meanwhile()
                looked = time.monotonic()
            time.sleep(0.005)
        return last - (first or last)

    def numbers(self):
        found = []
        if os.path.exists(self.path):
            with open(self.path, "rb") as file:
                for line in file:
                    if line.endswith(b"]}\n"):
                        found.append(int(line[line.rindex(b",") + 1:-3]))
        return found


def run(lines, folder, name, queue):
    edge_port, hub_port = free_port(), free_port()
    edge_folder, hub_folder = os.path.join(folder, name, "edge"), os.path.join(folder, name, "hub")
    with start(edge_folder, edge_config(edge_folder, edge_port, hub_port, queue)) as edge:
        begun = send_all(edge_port, lines)
        wait_until(lambda: queued(edge_folder) >= len(lines), "the queue", pause=0.05)
        store = time.monotonic() - begun
        store_cpu, disk, peak = edge.cpu(), folder_bytes(os.path.join(edge_folder, "spool")), edge.peak_mb()
        with start(hub_folder, hub_config(hub_folder, hub_port)) as hub:
            output = Output(hub_folder)
            seconds = output.wait(sum(len(line) + 1 for line in lines), meanwhile=lambda: edge.link_bytes(hub_port))
            numbers = output.numbers()
            if len(set(numbers)) < len(lines):
                # What came twice stood for what was still missing.
                seconds += output.wait(1 << 62, meanwhile=lambda: edge.link_bytes(hub_port))
                numbers = output.numbers()
            if len(set(numbers)) != len(lines):
                raise RuntimeError(f"only {len(set(numbers))} of {len(lines)} events arrived")
            return summary(
                name, len(lines), store, max(seconds, 0.001), edge.cpu(), hub.cpu(),
                store_cpu_seconds_per_million=store_cpu / len(lines) * 1e6,
                wire_bytes_per_event=edge.link_bytes(hub_port) / len(lines),
                disk_bytes_per_event=disk / len(lines),
                repeated=len(numbers) - len(lines),
                peak_mb=peak)


def disk_assisted(lines, folder):
    """store in a disk-assisted queue while the hub is down, then forward over RELP"""
    return run(lines, folder, "rsyslog", DISK_ASSISTED)


def synced(lines, folder):
    """the same with a disk queue that is synced; 2,000 events"""
    measured = run(lines[:2000], folder, "rsyslog_synced", SYNCED)
    return {key: value for key, value in measured.items() if key.endswith(("store_events_per_s", "drain_events_per_s"))}


def killed(lines, folder):
    """kill -9 of the edge while it stores in a disk-assisted queue"""
    name = "rsyslog_kill"
    edge_port, hub_port = free_port(), free_port()
    edge_folder, hub_folder = os.path.join(folder, name, "edge"), os.path.join(folder, name, "hub")
    edge_file = edge_config(edge_folder, edge_port, hub_port, DISK_ASSISTED)
    with start(edge_folder, edge_file) as edge:
        sender = threading.Thread(target=send_all, args=(edge_port, lines))
        sender.start()
        wait_until(lambda: queued(edge_folder) >= len(lines) // 5, "the queue", pause=0.01)
        edge.kill()
        # No acknowledgement: what it had reported as queued is the least that it had accepted.
        accepted = queued(edge_folder)
        sender.join()
    with start(hub_folder, hub_config(hub_folder, hub_port)), start(edge_folder, edge_file):
        output = Output(hub_folder)
        output.wait(1 << 62, patience=20.0)
    arrived = sum(1 for n in set(output.numbers()) if n <= accepted)
    return {f"{name}_accepted": accepted, f"{name}_lost": accepted - arrived}


CASES = [disk_assisted, synced, killed]
