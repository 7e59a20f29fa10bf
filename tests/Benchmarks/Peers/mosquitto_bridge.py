"""mosquitto: an edge broker that is bridged to a hub, QoS 1, nothing limited."""

import os
import signal
import socket
import struct
import time

from measure import PATIENCE, Server, batches, connect, folder_bytes, free_port, summary, wait_until

TOPIC = b"w1/e"
WINDOW = 1000
QUIET = 20.0


def edge_config(folder, port, hub_port, autosave=1800, max_queued=0):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "mosquitto.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""per_listener_settings false
allow_anonymous true
user root
listener {port} 127.0.0.1
max_queued_messages {max_queued}
persistence true
persistence_location {folder}/
autosave_interval {autosave}
connection hub
address 127.0.0.1:{hub_port}
topic # out 1
cleansession false
restart_timeout 1
notifications false
""")
    return path


def hub_config(folder, port):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "mosquitto.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"allow_anonymous true\nuser root\nlistener {port} 127.0.0.1\nmax_queued_messages 0\npersistence false\n")
    return path


def length(n):
    out = bytearray()
    while True:
        n, low = n >> 7, n & 0x7F
        out.append(low | (0x80 if n else 0))
        if not n:
            return bytes(out)


def client(port, name):
    s = connect(port)
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack(">H", len(name)) + name
    s.sendall(b"\x10" + length(len(body)) + body)
    if s.recv(4) != b"\x20\x02\x00\x00":
        raise RuntimeError("the broker refused the connection")
    return s


def publish_all(port, messages, stop_at=None, on_stop=None):
    """Publishes with QoS 1, some on their way at a time. Returns how many were acknowledged."""
    head = struct.pack(">H", len(TOPIC)) + TOPIC
    packets = []
    for i, message in enumerate(messages):
        body_bytes = len(head) + 2 + len(message)
        packets.append(b"\x32" + length(body_bytes) + head + struct.pack(">H", i % 65535 + 1) + message)
    s = client(port, b"producer")
    sent = acknowledged = rest = 0
    begun = time.monotonic()
    try:
        while acknowledged < len(packets):
            room = min(WINDOW - (sent - acknowledged), len(packets) - sent)
            if room > 0 and (stop_at is None or sent < stop_at + WINDOW):
                s.sendall(b"".join(packets[sent:sent + room]))
                sent += room
            data = s.recv(65536)
            if not data:
                break
            rest += len(data)
            acknowledged, rest = acknowledged + rest // 4, rest % 4
            if stop_at is not None and acknowledged >= stop_at and on_stop:
                on_stop()
                on_stop = None
    except (ConnectionResetError, BrokenPipeError):
        if stop_at is None:
            raise
    s.close()
    return acknowledged, time.monotonic() - begun


class Subscriber:
    """Counts what arrives, acknowledges it, and notes the numbers of the events."""

    def __init__(self, port):
        self.socket = client(port, b"subscriber")
        body = b"\x00\x01" + struct.pack(">H", 1) + b"#" + b"\x01"
        self.socket.sendall(b"\x82" + length(len(body)) + body)
        self.first = self.last = None
        self.numbers = set()
        self.messages = 0
        self.buffer = bytearray()

    def receive(self, expected, patience, keep_numbers):
        """Until so many messages are there, or nothing came for a while."""
        while self.messages < expected:
            self.socket.settimeout(patience if self.first is None else QUIET)
            try:
                data = self.socket.recv(1 << 20)
            except socket.timeout:
                return
            if not data:
                return
            self.buffer += data
            if self.parse(keep_numbers):
                self.last = time.monotonic()
                self.first = self.first or self.last

    def parse(self, keep_numbers):
        buffer, at, acks, before = self.buffer, 0, bytearray(), self.messages
        while len(buffer) - at >= 5:
            size, shift, head = 0, 0, 1
            while True:
                byte = buffer[at + head]
                size |= (byte & 0x7F) << shift
                head, shift = head + 1, shift + 7
                if byte < 0x80:
                    break
            end = at + head + size
            if end > len(buffer):
                break
            if buffer[at] & 0xF0 == 0x30:
                start = at + head
                start += 2 + (buffer[start] << 8 | buffer[start + 1])
                if buffer[at] & 0x06:
                    acks += b"\x40\x02" + buffer[start:start + 2]
                    start += 2
                self.messages += 1
                if keep_numbers:
                    for line in bytes(buffer[start:end]).split(b"\n"):
                        self.numbers.add(int(line[line.rindex(b",") + 1:-2]))
            at = end
        del buffer[:at]
        if acks:
            self.socket.sendall(acks)
        return self.messages > before


def run(lines, folder, name, batch):
    messages = batches(lines, batch)
    edge_port, hub_port = free_port(), free_port()
    edge_folder, hub_folder = os.path.join(folder, name, "edge"), os.path.join(folder, name, "hub")
    config = edge_config(edge_folder, edge_port, hub_port)
    with Server(edge_folder, "mosquitto", "-c", config) as edge:
        acknowledged, store = publish_all(edge_port, messages)
        if acknowledged != len(messages):
            raise RuntimeError(f"only {acknowledged} of {len(messages)} were acknowledged")
        # What makes it durable is a save of everything, here asked for once.
        saved = time.monotonic()
        edge.process.send_signal(signal.SIGUSR1)
        database = os.path.join(edge_folder, "mosquitto.db")
        wait_until(lambda: os.path.exists(database), "the save")
        save = time.monotonic() - saved
        store_cpu, disk, peak = edge.cpu(), folder_bytes(edge_folder), edge.peak_mb()
        with Server(hub_folder, "mosquitto", "-c", hub_config(hub_folder, hub_port)) as hub:
            subscriber = Subscriber(hub_port)
            subscriber.receive(len(messages), PATIENCE, keep_numbers=False)
            if subscriber.messages < len(messages):
                raise RuntimeError(f"only {subscriber.messages} of {len(messages)} messages arrived")
            time.sleep(0.5)
            return summary(
                name, len(lines), store + save, max(subscriber.last - subscriber.first, 0.001), edge.cpu(), hub.cpu(),
                store_unsaved_events_per_s=len(lines) / store,
                store_cpu_seconds_per_million=store_cpu / len(lines) * 1e6,
                wire_bytes_per_event=edge.link_bytes(hub_port) / len(lines),
                disk_bytes_per_event=disk / len(lines),
                peak_mb=peak)


def run_kill(lines, folder, name, autosave):
    edge_port, hub_port = free_port(), free_port()
    edge_folder, hub_folder = os.path.join(folder, name, "edge"), os.path.join(folder, name, "hub")
    config = edge_config(edge_folder, edge_port, hub_port, autosave)
    with Server(edge_folder, "mosquitto", "-c", config) as edge:
        accepted, _ = publish_all(edge_port, lines, stop_at=len(lines) * 2 // 5, on_stop=edge.kill)
    with Server(hub_folder, "mosquitto", "-c", hub_config(hub_folder, hub_port)):
        subscriber = Subscriber(hub_port)
        with Server(edge_folder, "mosquitto", "-c", config):
            subscriber.receive(accepted, 30.0, keep_numbers=True)
    arrived = sum(1 for n in subscriber.numbers if n <= accepted)
    return {f"{name}_accepted": accepted, f"{name}_lost": accepted - arrived}


def one_event_a_message(lines, folder):
    """store while the hub is down, save, drain over the bridge; one event in each message"""
    return run(lines, folder, "mosquitto", 1)


def hundred_events_a_message(lines, folder):
    """the same, 100 events in each message"""
    return run(lines, folder, "mosquitto_100", 100)


def defaults(lines, folder):
    """no crash at all, but the default max_queued_messages"""
    name = "mosquitto_defaults"
    edge_port, hub_port = free_port(), free_port()
    edge_folder, hub_folder = os.path.join(folder, name, "edge"), os.path.join(folder, name, "hub")
    lines = lines[:100_000]
    with Server(edge_folder, "mosquitto", "-c", edge_config(edge_folder, edge_port, hub_port, max_queued=1000)):
        accepted, _ = publish_all(edge_port, lines)
        with Server(hub_folder, "mosquitto", "-c", hub_config(hub_folder, hub_port)):
            subscriber = Subscriber(hub_port)
            subscriber.receive(accepted, 30.0, keep_numbers=True)
    return {f"{name}_accepted": accepted, f"{name}_lost": accepted - len(subscriber.numbers)}


def killed(lines, folder):
    """kill -9 of the edge while it stores, default settings"""
    return run_kill(lines, folder, "mosquitto_kill", 1800)


def killed_autosave(lines, folder):
    """kill -9 of the edge while it stores, saved every 3 s"""
    return run_kill(lines, folder, "mosquitto_kill_autosave_3s", 3)


CASES = [one_event_a_message, hundred_events_a_message, defaults, killed, killed_autosave]
