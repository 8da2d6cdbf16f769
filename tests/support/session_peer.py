"""A peer on the session wire in Python, in both roles, to test ours against.

Written from the specification of the wire and from revision 34 of Noise's,
by somebody who had not read the code here, so that a mistake that our two
ends share does not pass for the protocol.

It takes its orders from standard input and tells what happens on standard
output, an object in JSON on each line. The keys come from
CYPHER_ENCRYPTION_KEY and CYPHER_DECRYPTION_KEY.
"""

import argparse
import asyncio
import collections
import hashlib
import hmac
import json
import os
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PREFACE = b"\0CYPHER/2\n"
NOISE = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"
KEY_BYTES, TAG_BYTES = 32, 16
RECORD_BYTES = 65_535 - TAG_BYTES
REKEY_EVERY = 65_536
MESSAGE_BYTES = 16 * 1024 * 1024
WINDOW = 16
HEARTBEAT = 15_000  # ms; told to clients, who ping

REQUEST, RESPONSE, ERROR, PING, CLOSE, PONG, CANCEL = range(1, 8)
ANSWERED, HELLO = 0x0B, 0x0C
SKIPPED = 0x80
REFUSED_KEY = b"\0\0\1"


class Ended(Exception):
    """The connection is over; the text says how it came to that."""


def say(**what):
    print(json.dumps(what), flush=True)


# Noise


def sha256(data):
    return hashlib.sha256(data).digest()


def hkdf(salt, material, info, count):
    secret, outputs, last = hmac.digest(salt, material, "sha256"), [], b""
    for i in range(count):
        last = hmac.digest(secret, last + info + bytes([i + 1]), "sha256")
        outputs.append(last)
    return outputs


def psk_of(to_server, to_client):
    return hkdf(b"", to_server + to_client, b"cypher/2 psk", 1)[0]


class Cipher:
    """A CipherState."""

    def __init__(self, key):
        self._aead = ChaCha20Poly1305(key)
        self._n = 0

    def seal(self, plain, ad=b""):
        return self._aead.encrypt(self._nonce(), plain, ad)

    def open(self, sealed, ad=b""):
        try:
            return self._aead.decrypt(self._nonce(), sealed, ad)
        except InvalidTag:
            raise Ended("it does not open") from None

    def seal_record(self, plain):
        sealed = self.seal(plain)
        self._rekey_if_due()
        return struct.pack(">H", len(sealed)) + sealed

    def open_record(self, sealed):
        plain = self.open(sealed)
        self._rekey_if_due()
        return plain

    def _nonce(self):
        self._n += 1
        return struct.pack("<IQ", 0, self._n - 1)

    def _rekey_if_due(self):
        if self._n % REKEY_EVERY == 0:
            highest = struct.pack("<IQ", 0, 2**64 - 1)
            key = self._aead.encrypt(highest, bytes(KEY_BYTES), b"")
            self._aead = ChaCha20Poly1305(key[:KEY_BYTES])


class Handshake:
    """NNpsk0 (psk, e; e, ee), up to what the first message's e needs."""

    def __init__(self, psk):
        self._hash = self._chain = sha256(NOISE)
        self._mix_hash(PREFACE)
        self._chain, mixed, key = hkdf(self._chain, psk, b"", 3)
        self._mix_hash(mixed)
        self._cipher = Cipher(key)
        self._mine = X25519PrivateKey.generate()

    def first_to_write(self, payload):
        return self._write_e() + self._seal(payload)

    def first_to_read(self, message):
        self._read_e(message)
        return self._open(message[KEY_BYTES:])

    def second_to_write(self, payload):
        public = self._write_e()
        self._ee()
        return public + self._seal(payload)

    def second_to_read(self, message):
        self._read_e(message)
        self._ee()
        return self._open(message[KEY_BYTES:])

    def split(self):
        """The ciphers to the server, and to the client."""
        return [Cipher(key) for key in hkdf(self._chain, b"", b"", 2)]

    def _write_e(self):
        public = self._mine.public_key()
        public = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._mix_e(public)
        return public

    def _read_e(self, message):
        if len(message) < KEY_BYTES + TAG_BYTES:
            raise Ended("the message is too short")
        self._theirs = X25519PublicKey.from_public_bytes(message[:KEY_BYTES])
        self._mix_e(message[:KEY_BYTES])

    def _mix_e(self, public):
        self._mix_hash(public)
        self._mix_key(public)  # as in every handshake with a PSK

    def _ee(self):
        try:
            self._mix_key(self._mine.exchange(self._theirs))
        except ValueError:
            raise Ended("a point of low order") from None

    def _mix_hash(self, data):
        self._hash = sha256(self._hash + data)

    def _mix_key(self, material):
        self._chain, key = hkdf(self._chain, material, b"", 2)
        self._cipher = Cipher(key)

    def _seal(self, payload):
        sealed = self._cipher.seal(payload, self._hash)
        self._mix_hash(sealed)
        return sealed

    def _open(self, sealed):
        payload = self._cipher.open(sealed, self._hash)
        self._mix_hash(sealed)
        return payload


# Frames


def frame(kind, id_=0, payload=b""):
    if not isinstance(payload, bytes):
        payload = json.dumps(payload, ensure_ascii=False).encode()
    return struct.pack(">IBQ", 9 + len(payload), kind, id_) + payload


def error(id_, code):
    return frame(ERROR, id_, {"code": code, "message": f"{code}, in Python"})


class Channel:
    """A connection after its handshake: frames both ways."""

    def __init__(self, streams, sending, receiving, slice_):
        self._reader, self._writer = streams
        self._sending, self._receiving = sending, receiving
        self._slice = slice_

    def send(self, *frames):
        plain = b"".join(frames)
        starts = range(0, len(plain), self._slice)
        self._write(plain[at : at + self._slice] for at in starts)

    def send_empty(self, count):
        self._write(b"" for _ in range(count))

    def _write(self, plains):
        self._writer.write(b"".join(map(self._sending.seal_record, plains)))

    async def frames(self):
        """Every frame that is not to be skipped, until the end."""
        plain = bytearray()
        async for record in self._records():
            plain += record
            at = 0
            while len(plain) - at >= 4:
                size = struct.unpack_from(">I", plain, at)[0]
                if not 9 <= size <= 9 + MESSAGE_BYTES:
                    raise Ended(f"a frame of {size} bytes")
                if len(plain) - at < 4 + size:
                    break
                kind, id_ = struct.unpack_from(">BQ", plain, at + 4)
                payload = bytes(plain[at + 13 : at + 4 + size])
                at += 4 + size
                if kind < SKIPPED:
                    if id_ >= 2**53:
                        raise Ended("an id of 2^53 or more")
                    yield kind, id_, payload
            del plain[:at]

    async def _records(self):
        sealed = bytearray()
        while chunk := await self._reader.read(1 << 18):
            sealed += chunk
            at = 0
            while len(sealed) - at >= 2:
                end = at + 2 + struct.unpack_from(">H", sealed, at)[0]
                if len(sealed) < end:
                    break
                yield self._receiving.open_record(bytes(sealed[at + 2 : end]))
                at = end
            del sealed[:at]

    def close(self):
        self._writer.close()


async def read_message(reader):
    """One of the handshake, or b"" for a refusal."""
    size = struct.unpack(">H", await reader.readexactly(2))[0]
    return await reader.readexactly(size)


def message(payload):
    return struct.pack(">H", len(payload)) + payload


class Answered:
    """Ids that are done with: all up to the floor, and some above it."""

    def __init__(self):
        self.floor, self.above = 0, set()

    def __contains__(self, id_):
        return id_ <= self.floor or id_ in self.above

    def add(self, id_):
        if id_ > self.floor:
            self.above.add(id_)
        while self.floor + 1 in self.above:
            self.floor += 1
            self.above.remove(self.floor)

    def merge(self, value):
        self.floor = max(self.floor, value["floor"])
        for first, last in value["ranges"]:
            self.above.update(range(first, last + 1))
        self.above = {id_ for id_ in self.above if id_ > self.floor}
        self.add(0)  # moves the floor up

    def to_json(self):
        ranges = []
        for id_ in sorted(self.above):
            if ranges and ranges[-1][1] == id_ - 1:
                ranges[-1][1] = id_
            else:
                ranges.append([id_, id_])
        return {"floor": self.floor, "ranges": ranges}


# The client


class Client:
    """Does nothing by itself: it dials, and loses connections, when told."""

    def __init__(self, psk, port, slice_):
        self._psk, self._port, self._slice = psk, port, slice_
        self._secret = os.urandom(32)
        self._answered = Answered()
        self._queue = collections.deque()
        self._flight = {}  # what was written and is not answered, by its id
        self._names = {}  # the test's names for the ids
        self._last_id = 0
        self._met = None
        self._channel = None

    async def dial(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        handshake = Handshake(self._psk)
        offer = {
            "client": sha256(self._secret)[:16].hex(),
            "software": "python",
            "messageBytes": MESSAGE_BYTES,
        }
        first = handshake.first_to_write(json.dumps(offer).encode())
        writer.write(PREFACE + message(first))
        second = await read_message(reader)
        if not second:
            refusal = (await reader.readexactly(1))[0]
            say(refused=refusal, rest=len(await reader.read()))
            return writer.close()
        self._offer = json.loads(handshake.second_to_read(second))
        to_server, to_client = handshake.split()
        streams = reader, writer
        self._channel = Channel(streams, to_server, to_client, self._slice)
        self._proven = False
        self._hello(self._met == self._offer["server"])
        in_background(self._read(self._channel))

    def _hello(self, met):
        hello = {
            "secret": self._secret.hex(),
            "answered": self._answered.to_json(),
            "met": met,
        }
        self._channel.send(frame(HELLO, 0, hello))

    async def _read(self, channel):
        try:
            async for kind, id_, payload in channel.frames():
                if channel is not self._channel:
                    return
                self._take(kind, id_, payload)
            say(ended="by the server")
        except (Ended, OSError) as error_:
            say(ended=str(error_))
        channel.close()

    def _take(self, kind, id_, payload):
        if kind == HELLO:
            self._connected(**json.loads(payload))
        elif kind in (RESPONSE, ERROR) and id_ > 0:
            self._end(id_, kind, payload)
            answered = self._answered.to_json()
            self._channel.send(frame(ANSWERED, 0, answered))
            self._pump()
        elif kind == PING:
            self._channel.send(frame(PONG, 0, payload))
        elif kind == PONG:
            say(pong=payload.decode())
        elif kind == CLOSE:
            say(close=json.loads(payload))
        else:
            raise Ended(f"a frame of type {kind} for {id_}")

    def _connected(self, known):
        server = self._offer["server"]
        same, self._met = self._met == server, server if known else None
        if not (same and known):
            for id_ in sorted(self._flight):
                self._end(id_, ERROR, b'{"code":"OUTCOME_UNKNOWN"}')
        if same and not known:
            return self._hello(False)  # it waits for that
        self._met, self._proven = server, True
        for id_ in sorted(self._flight):
            self._channel.send(self._flight[id_])
        say(online=known, window=self._offer["window"])
        self._pump()

    def _end(self, id_, kind, payload):
        if self._flight.pop(id_, None) is None:
            return say(stray=id_)
        self._answered.add(id_)
        what = "answer" if kind == RESPONSE else "error"
        say(**{"name": self._names[id_], "id": id_, what: json.loads(payload)})

    def _pump(self):
        frames = []
        while self._queue and len(self._flight) < self._offer["window"]:
            self._last_id += 1
            name, body = self._queue.popleft()
            self._names[self._last_id] = name
            self._flight[self._last_id] = frame(REQUEST, self._last_id, body)
            frames.append(self._flight[self._last_id])
        self._channel.send(*frames)

    async def order(self, do, **rest):
        if do == "dial":
            await self.dial()
        elif do == "lose":  # the answers that are on their way with it
            channel, self._channel, self._proven = self._channel, None, False
            channel.close()
        elif do == "request":
            self._queue.append((rest["name"], rest["body"]))
            if self._proven:
                self._pump()
        elif do == "cancel":
            id_ = next(i for i in self._flight if self._names[i] == rest["name"])
            self._flight[id_] = frame(CANCEL, id_)
            self._channel.send(self._flight[id_])
        elif do == "frame":
            payload = bytes(rest.get("size", 0))
            self._channel.send(frame(rest["type"], rest.get("id", 0), payload))
        elif do == "empty":
            self._channel.send_empty(rest["count"])
        elif do == "ping":
            self._channel.send(frame(PING, 0, rest["payload"].encode()))


# The server


class Known:
    """What the server knows of a client id."""

    def __init__(self):
        self.owner = None
        self.running, self.kept = {}, {}
        self.finished = Answered()

    def end(self, id_, ending):
        if self.running.pop(id_, None) is not None:
            self.finished.add(id_)
            self.kept[id_] = ending
            self.owner.send(ending)

    def confirm(self, answered):
        self.finished.merge(answered)
        confirmed = Answered()
        confirmed.merge(answered)
        self.kept = {i: k for i, k in self.kept.items() if i not in confirmed}


class Server:
    def __init__(self, psk, slice_, strange):
        self._psk, self._slice, self._strange = psk, slice_, strange
        self._id = os.urandom(8).hex()
        self._clients = {}
        self._connections = self._executions = 0
        self._held = asyncio.Event()

    async def listen(self):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        say(port=server.sockets[0].getsockname()[1])

    async def _serve(self, reader, writer):
        try:
            await self._converse(reader, writer)
            say(ended="by the client")
        except (Ended, OSError, asyncio.IncompleteReadError) as error_:
            say(ended=str(error_))
        finally:
            writer.close()

    async def _converse(self, reader, writer):
        if await reader.readexactly(len(PREFACE)) != PREFACE:
            raise Ended("another preface")
        handshake = Handshake(self._psk)
        try:
            offer = json.loads(handshake.first_to_read(await read_message(reader)))
        except Ended:
            writer.write(REFUSED_KEY)
            raise
        self._connections += 1
        ours = {
            "server": self._id,
            "connection": str(self._connections),
            "known": offer["client"] in self._clients,
            "window": WINDOW,
            "messageBytes": MESSAGE_BYTES,
            "heartbeat": HEARTBEAT,
        }
        second = handshake.second_to_write(json.dumps(ours).encode())
        writer.write(message(second))
        to_server, to_client = handshake.split()
        channel = Channel((reader, writer), to_client, to_server, self._slice)
        await self._talk(channel, offer)

    async def _talk(self, channel, offer):
        known = told = None
        async for kind, id_, payload in channel.frames():
            body = json.loads(payload) if kind not in (PING, PONG, CANCEL) else {}
            if known is None:
                if kind != HELLO:
                    raise Ended("no hello")
                if sha256(bytes.fromhex(body["secret"]))[:16].hex() != offer["client"]:
                    raise Ended("another client's id")
                remembered = offer["client"] in self._clients
                channel.send(frame(HELLO, 0, {"known": remembered}))
                if body.get("met") and not remembered and not told:
                    told = True
                    continue
                known = self._claim(offer["client"], channel, body)
                say(client=offer, known=remembered, answered=body["answered"])
            elif known.owner is not channel:
                return  # what a replaced connection brings is dropped
            elif kind == REQUEST:
                self._request(known, id_, body)
            elif kind == CANCEL:
                self._cancel(known, id_)
            elif kind == ANSWERED:
                known.confirm(body)
            elif kind == PING:
                channel.send(frame(PONG, 0, payload))
            elif kind != PONG:
                raise Ended(f"a frame of type {kind}")

    def _claim(self, client, channel, hello):
        known = self._clients.setdefault(client, Known())
        if known.owner is not None:
            known.owner.close()
        known.owner = channel
        known.confirm(hello["answered"])
        return known

    def _request(self, known, id_, body):
        if id_ in known.running:
            return
        if id_ in known.kept:
            return known.owner.send(known.kept[id_])
        if id_ == 0 or id_ in known.finished:
            raise Ended(f"{id_} comes again, after it was confirmed")
        if len(known.running) >= WINDOW:
            raise Ended("over the window")
        self._executions += 1
        known.running[id_] = asyncio.ensure_future(self._execute(known, id_, body))

    def _cancel(self, known, id_):
        if id_ in known.kept:
            return known.owner.send(known.kept[id_])
        handler = known.running.setdefault(id_, None)
        if handler:
            handler.cancel()
            say(cancelled=id_)
        known.end(id_, error(id_, "CANCELLED"))

    async def _execute(self, known, id_, body):
        path = body["PATH"]
        if path == "/HELD":
            await self._held.wait()
        if path == "/COUNT":
            body["DATA"] = self._executions
        if path == "/STATUS":
            body["STATUS"] = {"code": "TEAPOT", "message": "short and stout"}
        if path == "/LOST":  # answered, but the connection is lost before
            known.owner.close()
        if self._strange:
            known.owner.send_empty(3)
            for kind in (0x80, 0xFF):
                known.owner.send(frame(kind, 2**64 - 1, bytes(self._strange)))
        known.end(id_, frame(RESPONSE, id_, body))

    async def order(self, do, **rest):
        if do == "release":
            self._held.set()
        elif do == "empty":
            for known in self._clients.values():
                known.owner.send_empty(rest["count"])
        elif do == "forget":
            for known in self._clients.values():
                known.owner.close()
            self._clients.clear()


tasks = set()


def in_background(coroutine):
    task = asyncio.ensure_future(coroutine)
    tasks.add(task)  # or it might be collected
    task.add_done_callback(tasks.discard)


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("--port", type=int, help="the server's")
    parser.add_argument(
        "--slice", type=int, default=RECORD_BYTES, help="bytes of a record's plaintext"
    )
    parser.add_argument(
        "--strange", type=int, default=0, help="bytes of frames of no known type"
    )
    options = parser.parse_args()
    sealing = os.environ["CYPHER_ENCRYPTION_KEY"].encode("ascii")
    opening = os.environ["CYPHER_DECRYPTION_KEY"].encode("ascii")
    if options.role == "server":
        peer = Server(psk_of(opening, sealing), options.slice, options.strange)
        await peer.listen()
    else:
        peer = Client(psk_of(sealing, opening), options.port, options.slice)
    orders = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    while line := await orders.readline():  # ends when whoever started this does
        await peer.order(**json.loads(line))


asyncio.run(main())
