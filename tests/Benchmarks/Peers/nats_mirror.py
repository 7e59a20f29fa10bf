"""NATS: a JetStream stream at the edge, mirrored by a hub over a leaf node connection."""

import json
import os
import time

from measure import Server, batches, connect, folder_bytes, free_port, summary, wait_until

SUBJECT = b"w1.e"
INBOX = b"_INBOX.bench"
ACK = b'"seq":'
WINDOW = 4000


def config(folder, text):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "nats.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def edge_config(folder, port, leaf_port):
    return config(folder, f"""server_name: edge
listen: 127.0.0.1:{port}
jetstream {{ store_dir: "{folder}/store", domain: edge }}
leafnodes {{ remotes: [ {{ url: "nats://127.0.0.1:{leaf_port}" }} ], reconnect: 1 }}
""")


def hub_config(folder, port, leaf_port):
    return config(folder, f"""server_name: hub
listen: 127.0.0.1:{port}
jetstream {{ store_dir: "{folder}/store", domain: hub }}
leafnodes {{ listen: 127.0.0.1:{leaf_port} }}
""")


class Client:
    def __init__(self, port):
        self.socket = connect(port)
        self.buffer = b""
        self.socket.sendall(b'CONNECT {"verbose":false,"pedantic":false,"headers":false}\r\nPING\r\n')
        while b"PONG" not in self.buffer:
            self.read()
        self.buffer = b""
        self.socket.sendall(b"SUB " + INBOX + b".* 1\r\n")

    def read(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self.buffer += data

    def request(self, subject, body, patience=10.0):
        """A call of the JetStream API. None when nobody answers."""
        payload = json.dumps(body).encode() if body is not None else b""
        self.buffer = b""
        self.socket.settimeout(patience)
        self.socket.sendall(b"PUB %s %s.api %d\r\n%s\r\n" % (subject.encode(), INBOX, len(payload), payload))
        try:
            while True:
                start = self.buffer.find(b"MSG ")
                end = self.buffer.find(b"\r\n", start) if start >= 0 else -1
                if end >= 0:
                    size = int(self.buffer[start:end].split()[-1])
                    if len(self.buffer) >= end + 2 + size:
                        return json.loads(self.buffer[end + 2:end + 2 + size])
                self.read()
        except TimeoutError:
            return None

    def publish_all(self, messages, stop_at=None, on_stop=None):
        """Publishes into the stream, some on their way at a time. Returns how many were acknowledged, and how long it took."""
        packets = [b"PUB %s %s.ack %d\r\n%s\r\n" % (SUBJECT, INBOX, len(m), m) for m in messages]
        self.socket.settimeout(60.0)
        sent = acknowledged = 0
        tail = b""
        begun = time.monotonic()
        try:
            while acknowledged < len(packets):
                room = min(WINDOW - (sent - acknowledged), len(packets) - sent)
                if room > 0:
                    self.socket.sendall(b"".join(packets[sent:sent + room]))
                    sent += room
                data = self.socket.recv(1 << 20)
                if not data:
                    break
                data = tail + data
                acknowledged += data.count(ACK)
                tail = data[-(len(ACK) - 1):]
                if b"PING\r\n" in data:
                    self.socket.sendall(b"PONG\r\n")
                if stop_at is not None and acknowledged >= stop_at and on_stop:
                    on_stop()
                    on_stop = None
        except (ConnectionResetError, BrokenPipeError):
            if stop_at is None:
                raise
        return acknowledged, time.monotonic() - begun


def create(client, name, **settings):
    answer = client.request(f"$JS.API.STREAM.CREATE.{name}", {"name": name, "storage": "file", "retention": "limits", "num_replicas": 1, **settings})
    if answer is None or "error" in answer:
        raise RuntimeError(f"the stream was not made: {answer}")


def state(client, name):
    answer = client.request(f"$JS.API.STREAM.INFO.{name}", None)
    return answer["state"] if answer and "state" in answer else {"messages": 0, "last_seq": 0}


def drain(hub_client, expected, patience=120.0, quiet=10.0):
    """Mirrors until so many messages are there or nothing comes any more. Returns their number and the time between first and last."""
    create(hub_client, "W1M", mirror={"name": "W1", "external": {"api": "$JS.edge.API", "deliver": ""}})
    begun = first = last = last_empty = time.monotonic()
    messages = 0
    while messages < expected and time.monotonic() - last < (quiet if messages else patience):
        now = state(hub_client, "W1M")["messages"]
        if now > messages:
            first = first if messages else last_empty
            messages, last = now, time.monotonic()
        elif not messages:
            last_empty = time.monotonic()
        time.sleep(0.005)
    return messages, (last - first if messages else time.monotonic() - begun)


def run(lines, folder, name, batch):
    messages = batches(lines, batch)
    edge_port, hub_port, leaf_port = free_port(), free_port(), free_port()
    edge_folder, hub_folder = os.path.join(folder, name, "edge"), os.path.join(folder, name, "hub")
    with Server(edge_folder, "nats-server", "-c", edge_config(edge_folder, edge_port, leaf_port)) as edge:
        client = Client(edge_port)
        create(client, "W1", subjects=["w1.>"])
        acknowledged, store = client.publish_all(messages)
        if acknowledged != len(messages):
            raise RuntimeError(f"only {acknowledged} of {len(messages)} were acknowledged")
        store_cpu, disk, peak = edge.cpu(), folder_bytes(os.path.join(edge_folder, "store")), edge.peak_mb()
        with Server(hub_folder, "nats-server", "-c", hub_config(hub_folder, hub_port, leaf_port)) as hub:
            hub_client = Client(hub_port)
            wait_until(lambda: edge.link_bytes(leaf_port) > 0, "the leaf node connection", 60)
            arrived, seconds = drain(hub_client, len(messages))
            if arrived != len(messages):
                raise RuntimeError(f"only {arrived} of {len(messages)} messages arrived")
            return summary(
                name, len(lines), store, max(seconds, 0.001), edge.cpu(), hub.cpu(),
                store_cpu_seconds_per_million=store_cpu / len(lines) * 1e6,
                wire_bytes_per_event=edge.link_bytes(leaf_port) / len(lines),
                disk_bytes_per_event=disk / len(lines),
                peak_mb=peak)


def one_event_a_message(lines, folder):
    """store while the hub is down, then mirror; one event in each message"""
    return run(lines, folder, "nats", 1)


def hundred_events_a_message(lines, folder):
    """the same, 100 events in each message"""
    return run(lines, folder, "nats_100", 100)


def killed(lines, folder):
    """kill -9 of the edge while it stores"""
    name = "nats_kill"
    edge_port, hub_port, leaf_port = free_port(), free_port(), free_port()
    edge_folder, hub_folder = os.path.join(folder, name, "edge"), os.path.join(folder, name, "hub")
    edge_file = edge_config(edge_folder, edge_port, leaf_port)
    with Server(edge_folder, "nats-server", "-c", edge_file) as edge:
        client = Client(edge_port)
        create(client, "W1", subjects=["w1.>"])
        accepted, _ = client.publish_all(lines, stop_at=len(lines) * 2 // 5, on_stop=edge.kill)
    with Server(edge_folder, "nats-server", "-c", edge_file) as edge, \
            Server(hub_folder, "nats-server", "-c", hub_config(hub_folder, hub_port, leaf_port)):
        hub_client = Client(hub_port)
        wait_until(lambda: edge.link_bytes(leaf_port) > 0, "the leaf node connection", 60)
        # The stream keeps the order: what is there is the first so many, some of them perhaps not yet acknowledged.
        arrived, _ = drain(hub_client, len(lines))
    return {f"{name}_accepted": accepted, f"{name}_lost": max(accepted - arrived, 0)}


CASES = [one_event_a_message, hundred_events_a_message, killed]
