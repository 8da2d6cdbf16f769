"""An independent packet peer (spec/packet.md), Python standard library only.

It behaves as the existing peers do: it leaves every sequence number at 0,
spells the packet size `max_size`, and knows nothing of `sequenced`,
`fragments` or windows beyond their number.

    packet_peer.py server [--max-size N] [--damage N] [--push TEXT]
        Prints {"port": ...}, then one JSON line for what happens.
        --damage N answers the Nth data packet with a CHECKSUM error.
        --push TEXT sends TEXT after the first message.
    packet_peer.py client --port N [--mode M] [--window N] [--count N]
                          [--size N] [--damage N] [--max-size N]
        Sends `count` messages of `size` bytes and disconnects.
        --damage N sends the Nth message with a wrong checksum at first.
"""

import argparse
import hashlib
import json
import socket
import struct
import sys

DATA, ACK, ERROR, KEEP_ALIVE, DISCONNECT = 1, 2, 3, 4, 5
SYN, SYN_ACK, HANDSHAKE_ACK = 1, 2, 3


def say(**fields):
    print(json.dumps(fields), flush=True)


def pack(kind, payload=b"", checksum=None):
    if checksum is None:
        checksum = hashlib.md5(payload).digest()[:4]
    return struct.pack(">IBH", len(payload), kind, 0) + checksum + payload


def read_exactly(stream, size):
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def read_packet(stream):
    length, kind, sequence = struct.unpack(">IBH", read_exactly(stream, 7))
    checksum = read_exactly(stream, 4)
    payload = read_exactly(stream, length)
    return kind, sequence, payload, hashlib.md5(payload).digest()[:4] == checksum


def read_json(stream, expected):
    kind, _, payload, intact = read_packet(stream)
    assert kind == expected and intact, (kind, expected, intact)
    return json.loads(payload)


def message(index, size):
    """What the index-th message is; the test makes the same."""
    return bytes((index + 7 * at) % 256 for at in range(size))


def serve(options):
    listener = socket.create_server(("127.0.0.1", 0))
    say(port=listener.getsockname()[1])
    connection, _ = listener.accept()
    stream = connection.makefile("rb")
    syn = read_json(stream, SYN)
    say(syn=syn)
    accepted = {
        "status": "ok",
        "session_id": "python-1",
        "operation_mode": syn["operation_mode"],
        "max_size": min(syn["max_size"], options.max_size),
        "window_size": 8,
    }
    connection.sendall(pack(SYN_ACK, json.dumps(accepted).encode()))
    say(ack=read_json(stream, HANDSHAKE_ACK))
    count = 0
    while True:
        try:
            kind, sequence, payload, intact = read_packet(stream)
        except EOFError:
            say(end="closed")
            return
        if kind == DATA:
            count += 1
            if not intact or count == options.damage:
                error = json.dumps({"code": "CHECKSUM"}).encode()
                connection.sendall(pack(ERROR, error))
                say(damaged=count)
                continue
            say(data=payload.hex(), sequence=sequence)
            connection.sendall(pack(ACK, b"ACK"))
            if options.push:
                connection.sendall(pack(DATA, options.push.encode()))
                options.push = None
        elif kind == DISCONNECT:
            connection.sendall(pack(ACK, b"ACK"))
            say(end="disconnect")
            connection.close()
            return
        else:
            say(kind=kind, payload=payload.decode(), intact=intact)


def run_client(options):
    connection = socket.create_connection(("127.0.0.1", options.port))
    stream = connection.makefile("rb")
    syn = {
        "operation_mode": options.mode,
        "max_size": options.max_size,
        "client_id": "python",
    }
    if options.window:
        syn["window_size"] = options.window
    connection.sendall(pack(SYN, json.dumps(syn).encode()))
    accepted = read_json(stream, SYN_ACK)
    say(accepted=accepted)
    if accepted["status"] != "ok":
        return
    ready = {"session_id": accepted["session_id"], "message": "ready"}
    connection.sendall(pack(HANDSHAKE_ACK, json.dumps(ready).encode()))
    window = options.window if options.mode == "burst" else 1
    queue = [message(index, options.size) for index in range(options.count)]
    in_flight = []
    sent = answers = 0
    while queue or in_flight:
        while queue and len(in_flight) < window:
            sent += 1
            wrong = b"\0\0\0\0" if sent == options.damage else None
            connection.sendall(pack(DATA, queue[0], wrong))
            in_flight.append(queue.pop(0))
        kind, sequence, payload, intact = read_packet(stream)
        assert intact and sequence == 0, (intact, sequence)
        answers += 1
        if kind == ACK:
            assert payload == b"ACK", payload
            in_flight.pop(0)
        elif kind == ERROR:
            say(error=json.loads(payload))
            queue.insert(0, in_flight.pop(0))
        else:
            say(kind=kind)
    connection.sendall(pack(DISCONNECT))
    kind, _, payload, _ = read_packet(stream)
    say(sent=sent, answers=answers, goodbye=[kind, payload.decode()],
        closed=stream.read(1) == b"")


parser = argparse.ArgumentParser()
parser.add_argument("role", choices=["server", "client"])
parser.add_argument("--port", type=int)
parser.add_argument("--mode", default="step-by-step")
parser.add_argument("--window", type=int)
parser.add_argument("--count", type=int, default=1)
parser.add_argument("--size", type=int, default=10)
parser.add_argument("--damage", type=int, default=0)
parser.add_argument("--push")
parser.add_argument("--max-size", type=int, default=1024)
arguments = parser.parse_args()
(serve if arguments.role == "server" else run_client)(arguments)
sys.exit(0)
