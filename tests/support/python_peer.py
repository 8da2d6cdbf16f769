"""A classic Cypher peer in Python, to test ours against.

Written from the specification, down to the habits of the original library
that a peer has to live with: text is ASCII, all that was read when a NUL
arrives counts as one token, whatever goes wrong closes the connection
without an answer, and a client re-sends the same bytes for ever.

The keys come from CYPHER_ENCRYPTION_KEY and CYPHER_DECRYPTION_KEY.
"""

import argparse
import base64
import json
import os
import signal
import socket
import sys
import threading
import time

from cryptography.fernet import Fernet

RECV_BUFFER = 8 * 1024 * 1024
TRANSMISSION_BUFFER = 2 * 1024 * 1024


class Envelope:
    """JSON values to tokens that end in NUL, and back."""

    def __init__(self):
        self._encrypt = _fernet("CYPHER_ENCRYPTION_KEY")
        self._decrypt = _fernet("CYPHER_DECRYPTION_KEY")

    def seal(self, value):
        return self._encrypt.encrypt(json.dumps(value).encode("ascii")) + b"\0"

    def open(self, token):
        return json.loads(self._decrypt.decrypt(token).decode("ascii"))


def _fernet(name):
    return Fernet(base64.urlsafe_b64encode(os.environ[name].encode("ascii")))


def send(connection, message):
    for start in range(0, len(message), TRANSMISSION_BUFFER):
        connection.sendall(message[start : start + TRANSMISSION_BUFFER])


def receive(connection):
    """Everything up to the last byte read, once there is a NUL among it."""
    received = bytearray()
    while True:
        chunk = connection.recv(RECV_BUFFER)
        if not chunk:
            raise ConnectionError("closed by the peer")
        received += chunk
        if b"\0" in chunk:
            return bytes(received[:-1])


class Handler:
    """Answers requests by their path; to raise is to close the connection."""

    def __init__(self):
        self._count = 0
        self._lock = threading.Lock()

    def __call__(self, message):
        request = {
            "PATH": message.pop("PATH", "/"),
            "OPERATION": message.pop("OPERATION", "NONE"),
            "DATA": message.pop("DATA", {}),
            "METADATA": message.pop("METADATA", {}),
            **message,
        }
        path, data = request["PATH"], request["DATA"]
        if path == "/ECHO":
            return request
        if path == "/LIST":
            return [1, "two", None]
        if path == "/NUMBER":
            return 42.5
        if path == "/NULL":
            return None
        if path == "/SLOW":
            time.sleep(data)
            return request
        if path == "/STATUS":
            return {**request, "STATUS": data}
        if path == "/BIG":
            return {**request, "DATA": "x" * data}
        if path == "/COUNT":
            return {**request, "DATA": self._next()}
        raise ValueError(f"no answer for {path}")  # which is what /RAISE wants

    def _next(self):
        with self._lock:
            self._count += 1
            return self._count


def in_background(target, *args):
    threading.Thread(target=target, args=args, daemon=True).start()


def serve(port, timeout):
    envelope, handler = Envelope(), Handler()

    def converse(connection):
        with connection:
            connection.settimeout(timeout)
            try:
                while True:
                    request = envelope.open(receive(connection))
                    send(connection, envelope.seal(handler(request)))
            except Exception:  # whatever it is, the peer sees a close
                pass

    def accept():
        while True:
            connection, _ = listener.accept()
            in_background(converse, connection)

    with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        in_background(accept)
        sys.stdin.read()  # ends when whoever started this does


class Client:
    """One persistent connection, renewed after every failure."""

    def __init__(self, port, timeout, pause):
        self._envelope = Envelope()
        self._address = ("127.0.0.1", port)
        self._timeout = timeout
        self._pause = pause
        self._connection = None
        self._parent = os.getppid()

    def request(self, value):
        message = self._envelope.seal(value)
        while True:
            try:
                if self._connection is None:
                    self._connection = socket.create_connection(
                        self._address, self._timeout
                    )
                send(self._connection, message)
                return self._envelope.open(receive(self._connection))
            except Exception:  # whatever it was, the same bytes go out again
                self._disconnect()
                time.sleep(self._pause)
                if os.getppid() != self._parent:
                    sys.exit(0)  # nobody is left to read the answer

    def _disconnect(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def run_client(port, timeout, pause):
    client = Client(port, timeout, pause)
    for line in iter(sys.stdin.buffer.readline, b""):
        value = json.loads(line)
        repeat = value.pop("REPEAT", None)
        if repeat is None:
            result = client.request(value)
        else:
            start = time.perf_counter()
            last = None
            for _ in range(repeat):
                last = client.request(value)
            seconds = time.perf_counter() - start
            result = {"REPEATED": repeat, "LAST": last, "SECONDS": seconds}
        print(json.dumps(result), flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parser = argparse.ArgumentParser(description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    server = modes.add_parser("server")
    server.add_argument("--port", type=int, default=0)
    server.add_argument("--timeout", type=float, default=120, help="seconds")
    client = modes.add_parser("client")
    client.add_argument("--port", type=int, required=True)
    client.add_argument("--timeout", type=float, default=60, help="seconds")
    client.add_argument("--pause", type=float, default=1, help="seconds")
    options = parser.parse_args()
    if options.mode == "server":
        serve(options.port, options.timeout)
    else:
        run_client(options.port, options.timeout, options.pause)


if __name__ == "__main__":
    main()
