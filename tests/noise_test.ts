import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { CypherError } from "../protocol/errors.ts";
import {
  CipherState,
  NOISE_MESSAGE,
  NOISE_TAG,
  NoiseHandshake,
  type NoiseHandshakeOptions,
  PREFACE,
  sessionPsk,
} from "../protocol/noise.ts";
import file from "./vectors/noise.json" with { type: "json" };

interface Vector {
  protocol_name: string;
  source: string;
  init_prologue: string;
  init_psks?: string[];
  init_ephemeral: string;
  resp_prologue: string;
  resp_psks?: string[];
  resp_ephemeral: string;
  handshake_hash?: string;
  messages: { payload: string; ciphertext: string }[];
}

const SUITE = /^Noise_(NN|NNpsk0)_25519_ChaChaPoly_SHA256$/;
const vectors = (file.vectors as Vector[])
  .filter(({ protocol_name }) => SUITE.test(protocol_name));

const hex = (bytes: Uint8Array) => bytes.toHex();
const unhex = (text: string) => Uint8Array.fromHex(text);
const bytes = (text: string) => new TextEncoder().encode(text);

const EMPTY = new Uint8Array(0);
/** Bytes 0 to 31. */
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const PLAIN = bytes("cypher");

/** Runs what must fail, and returns its code. */
function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert(error instanceof CypherError, `${error}`);
    return error.code;
  }
  return "nothing was thrown";
}

function pair(options: Partial<NoiseHandshakeOptions> = {}) {
  const common = { prologue: PREFACE, psk: KEY, ...options };
  return {
    initiator: new NoiseHandshake({ ...common, role: "initiator" }),
    responder: new NoiseHandshake({ ...common, role: "responder" }),
  };
}

Deno.test("the vectors are those that apply", () => {
  const names = vectors.map(({ protocol_name }) => protocol_name);
  assertEquals(names, [
    "Noise_NN_25519_ChaChaPoly_SHA256",
    "Noise_NN_25519_ChaChaPoly_SHA256",
    "Noise_NNpsk0_25519_ChaChaPoly_SHA256",
  ]);
});

for (const vector of vectors) {
  Deno.test(`${vector.protocol_name} answers ${vector.source}`, () => {
    const [initPsk] = vector.init_psks ?? [];
    const [respPsk] = vector.resp_psks ?? [];
    const initiator = new NoiseHandshake({
      role: "initiator",
      prologue: unhex(vector.init_prologue),
      psk: initPsk === undefined ? undefined : unhex(initPsk),
      ephemeral: unhex(vector.init_ephemeral),
    });
    const responder = new NoiseHandshake({
      role: "responder",
      prologue: unhex(vector.resp_prologue),
      psk: respPsk === undefined ? undefined : unhex(respPsk),
      ephemeral: unhex(vector.resp_ephemeral),
    });

    const [first, second, ...rest] = vector.messages;
    for (
      const [{ payload, ciphertext }, from, to] of [
        [first!, initiator, responder] as const,
        [second!, responder, initiator] as const,
      ]
    ) {
      const message = from.writeMessage(unhex(payload));
      assertEquals(hex(message), ciphertext);
      assertEquals(hex(to.readMessage(message)), payload);
    }
    assertEquals(hex(initiator.hash), hex(responder.hash));
    if (vector.handshake_hash) {
      assertEquals(hex(initiator.hash), vector.handshake_hash);
    }

    const ends = [initiator.split(), responder.split()] as const;
    rest.forEach(({ payload, ciphertext }, i) => {
      const from = ends[i % 2]!;
      const to = ends[(i + 1) % 2]!;
      const sealed = from.send.encrypt(unhex(payload));
      assertEquals(hex(sealed), ciphertext);
      assertEquals(hex(to.receive.decrypt(sealed)), payload);
    });
  });
}

/*
 * No vector covers rekeying or large nonces. These numbers were made with
 * Python's `cryptography` 38.0.4 (OpenSSL through Rust and cffi):
 *
 *   from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305 as C
 *   import struct
 *   def nonce(n): return b"\0\0\0\0" + struct.pack("<Q", n)
 *   def rekey(k): return C(k).encrypt(nonce(2**64 - 1), b"\0" * 32, b"")[:32]
 *   k0 = bytes(range(32)); k1 = rekey(k0); k2 = rekey(k1); k3 = rekey(k2)
 *   C(k).encrypt(nonce(n), b"cypher", ad).hex()
 *
 * k1 is 50835543a205b22c9323f2022bc4f67d838f90e61d5ccf33c4513e01f85b5042,
 * k3 is 83a272a70ec674e16167ca927f6556225f00403ccf784202ea421eec6250d359.
 */
const K1 = "50835543a205b22c9323f2022bc4f67d838f90e61d5ccf33c4513e01f85b5042";
const K3 = "83a272a70ec674e16167ca927f6556225f00403ccf784202ea421eec6250d359";
const KNOWN_ANSWERS = [
  {
    rekeys: 0,
    nonce: 0,
    sealed: "7bc13259c8944171505cbc7f7053d9049fccbb23bed3",
  },
  {
    rekeys: 0,
    nonce: 1,
    sealed: "fc2e8337d0583ef29af6435f1ae2d14fcfa173d79618",
  },
  {
    rekeys: 0,
    nonce: 65_535,
    sealed: "7c0b6c7d830c1ac300cba4f3b168eba3c5c4977c54d0",
  },
  {
    rekeys: 0,
    nonce: 2 ** 32 - 1,
    sealed: "8912862745d63c2e3bef06a2a12754605b1a1b242dc9",
  },
  {
    rekeys: 0,
    nonce: 2 ** 32,
    sealed: "3009711e6ca97f12c01592f6364d87126d4c9fbbeba3",
  },
  {
    rekeys: 0,
    nonce: 2 ** 32 + 1,
    sealed: "3c1952411e2b95c94ee87ded9185db3d12e6325568d8",
  },
  {
    rekeys: 0,
    nonce: 2 ** 53 - 2,
    sealed: "f9b59e54a58ef568a9424c7bd6d3244168ec286c5fa0",
  },
  {
    rekeys: 1,
    nonce: 65_536,
    sealed: "018a5c3506296fe53973dd9965b8470299ba2c6ce113",
  },
  {
    rekeys: 2,
    nonce: 131_072,
    sealed: "3e07212560112de4dd4e4580a8f30296d12bb5e1a424",
  },
];

for (const { rekeys, nonce, sealed } of KNOWN_ANSWERS) {
  Deno.test(`nonce ${nonce} after ${rekeys} rekeys answers Python's`, () => {
    const sender = new CipherState(KEY, nonce);
    const receiver = new CipherState(KEY, nonce);
    for (let i = 0; i < rekeys; i++) {
      sender.rekey();
      receiver.rekey();
    }
    assertEquals(hex(sender.encrypt(PLAIN)), sealed);
    assertEquals(receiver.decrypt(unhex(sealed)), PLAIN);
    assertEquals(sender.nonce, nonce + 1);
  });
}

Deno.test("rekeying makes the keys that Python makes, and keeps the nonce", () => {
  for (const [rekeys, key] of [[1, K1], [3, K3]] as const) {
    const rekeyed = new CipherState(KEY);
    for (let i = 0; i < rekeys; i++) rekeyed.rekey();
    assertEquals(rekeyed.nonce, 0);
    const same = new CipherState(unhex(key));
    assertEquals(rekeyed.encrypt(PLAIN), same.encrypt(PLAIN));
  }
  // Neither the caller's key nor the constant of zeros was written to.
  assertEquals(KEY, Uint8Array.from({ length: 32 }, (_, i) => i));
});

Deno.test("associated data is authenticated, and answers Python's", () => {
  const sealed = new CipherState(KEY).encrypt(PLAIN, bytes("associated"));
  assertEquals(hex(sealed), "7bc13259c894f2fa72cf956fd1c00f9e9c7399a22f80");
  const receiver = new CipherState(KEY);
  assertEquals(codeOf(() => receiver.decrypt(sealed)), "BAD_TOKEN");
  assertEquals(
    codeOf(() => receiver.decrypt(sealed, bytes("Associated"))),
    "BAD_TOKEN",
  );
  assertEquals(receiver.decrypt(sealed, bytes("associated")), PLAIN);
});

Deno.test("a failed decrypt leaves the nonce where it is", () => {
  const sender = new CipherState(KEY);
  const receiver = new CipherState(KEY);
  const sealed = sender.encrypt(PLAIN);
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    const flipped = sealed.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assertEquals(codeOf(() => receiver.decrypt(flipped)), "BAD_TOKEN");
  }
  for (const size of [0, 1, NOISE_TAG - 1, NOISE_TAG, sealed.length - 1]) {
    const short = sealed.subarray(0, size);
    assertEquals(codeOf(() => receiver.decrypt(short)), "BAD_TOKEN");
  }
  assertEquals(receiver.nonce, 0);
  assertEquals(receiver.decrypt(sealed), PLAIN);
  assertEquals(receiver.nonce, 1);
  assertEquals(codeOf(() => receiver.decrypt(sealed)), "BAD_TOKEN");
});

Deno.test("what is made ahead seals and opens the same bytes, once", () => {
  for (const ad of [undefined, bytes("ad")]) sealAhead(ad);
});

function sealAhead(ad: Uint8Array | undefined): void {
  const plainSender = new CipherState(KEY);
  const sender = new CipherState(KEY);
  const receiver = new CipherState(KEY);
  for (let i = 0; i < 6; i++) {
    if (i === 4) {
      for (const one of [plainSender, sender, receiver]) one.rekey();
    }
    // As often as one likes; in between it may be given up.
    for (let times = 0; times < i; times++) {
      sender.prepareToEncrypt();
      receiver.prepareToDecrypt();
    }
    if (i === 2) { for (const one of [sender, receiver]) one.discard(); }
    // What a rekey finds was made with the key before.
    if (i === 3) { for (const one of [sender, receiver]) one.rekey(); }
    if (i === 3) plainSender.rekey();
    const sealed = sender.encrypt(PLAIN, ad);
    assertEquals(sealed, plainSender.encrypt(PLAIN, ad));
    const flipped = sealed.slice();
    flipped[0]! ^= 1;
    const refused = () => receiver.decrypt(flipped, ad);
    assertEquals(codeOf(refused), "BAD_TOKEN");
    assertEquals(receiver.decrypt(sealed, ad), PLAIN);
    assertEquals(sender.nonce, i + 1);
    assertEquals(receiver.nonce, i + 1);
  }
}

Deno.test("nothing is made ahead of nonces that there are not", () => {
  const used = new CipherState(KEY, Number.MAX_SAFE_INTEGER);
  used.prepareToEncrypt();
  used.prepareToDecrypt();
  assertEquals(codeOf(() => used.encrypt(PLAIN)), "CLOSED");
  assertEquals(codeOf(() => used.decrypt(new Uint8Array(32))), "CLOSED");
});

Deno.test("nonces end before a double would repeat one", () => {
  const sender = new CipherState(KEY, Number.MAX_SAFE_INTEGER - 1);
  const receiver = new CipherState(KEY, Number.MAX_SAFE_INTEGER - 1);
  assertEquals(receiver.decrypt(sender.encrypt(PLAIN)), PLAIN);
  for (let i = 0; i < 3; i++) {
    assertEquals(codeOf(() => sender.encrypt(PLAIN)), "CLOSED");
    assertEquals(codeOf(() => receiver.decrypt(new Uint8Array(32))), "CLOSED");
  }
});

Deno.test("a failed encrypt uses its nonce up", () => {
  const sender = new CipherState(KEY);
  try {
    sender.encryptInto(new Uint8Array(3), 0, PLAIN);
  } catch {
    // The target was too small: what it got must not be made again.
  }
  assertEquals(sender.nonce, 1);
});

Deno.test("what comes out of decrypt is a plain array, not a Buffer", () => {
  const plain = new CipherState(KEY).decrypt(
    new CipherState(KEY).encrypt(PLAIN),
  );
  assertEquals(plain.constructor, Uint8Array);
});

Deno.test("a key has 32 bytes", () => {
  for (const size of [0, 31, 33]) {
    const short = new Uint8Array(size);
    assertEquals(codeOf(() => new CipherState(short)), "BAD_OPTION");
    assertEquals(codeOf(() => pair({ psk: short })), "BAD_OPTION");
    assertEquals(codeOf(() => pair({ ephemeral: short })), "BAD_OPTION");
    assertEquals(codeOf(() => sessionPsk(short, KEY)), "BAD_OPTION");
    assertEquals(codeOf(() => sessionPsk(KEY, short)), "BAD_OPTION");
  }
});

Deno.test("the session's PSK answers Python's HKDF", () => {
  // HKDF(SHA256(), 32, None, b"cypher/2 psk").derive(b"A" * 32 + b"B" * 32),
  // HKDF from cryptography.hazmat.primitives.kdf.hkdf.
  const [a, b] = [bytes("A".repeat(32)), bytes("B".repeat(32))];
  assertEquals(
    hex(sessionPsk(a, b)),
    "770f32519e0739b40e8e26eab4c00d7ce92b4b22a0e4ce8a5cabb055d21126f7",
  );
  assertNotEquals(hex(sessionPsk(a, b)), hex(sessionPsk(b, a)));
});

Deno.test("the preface says CYPHER/2 after a NUL", () => {
  assertEquals(PREFACE, bytes("\0CYPHER/2\n"));
});

Deno.test("two handshakes with the same key share nothing", () => {
  const sealed = Array.from({ length: 2 }, () => {
    const { initiator, responder } = pair();
    responder.readMessage(initiator.writeMessage(PLAIN));
    initiator.readMessage(responder.writeMessage(PLAIN));
    return hex(initiator.split().send.encrypt(PLAIN));
  });
  assertNotEquals(sealed[0], sealed[1]);
});

Deno.test("the two directions have keys of their own", () => {
  const { initiator, responder } = pair();
  responder.readMessage(initiator.writeMessage(EMPTY));
  initiator.readMessage(responder.writeMessage(EMPTY));
  const { send, receive } = initiator.split();
  const sealed = send.encrypt(PLAIN);
  assertEquals(codeOf(() => receive.decrypt(sealed)), "BAD_TOKEN");
  assertEquals(responder.split().receive.decrypt(sealed), PLAIN);
});

Deno.test("another PSK or prologue fails on the first message", () => {
  const message = pair().initiator.writeMessage(PLAIN);
  for (const other of [{ psk: new Uint8Array(32) }, { prologue: EMPTY }]) {
    const { responder } = pair(other);
    assertEquals(codeOf(() => responder.readMessage(message)), "BAD_TOKEN");
  }
});

Deno.test("every flipped bit, every cut and every byte too many fails", () => {
  const ephemerals = [KEY, KEY.toReversed()] as const;
  const first = pair({ ephemeral: ephemerals[0] }).initiator
    .writeMessage(PLAIN);
  const respond = () => {
    const { responder } = pair({ ephemeral: ephemerals[1] });
    responder.readMessage(first);
    return responder;
  };
  const second = respond().writeMessage(PLAIN);

  for (const broken of breakages(first)) {
    const { responder } = pair();
    assertEquals(codeOf(() => responder.readMessage(broken)), "BAD_TOKEN");
    assertEquals(codeOf(() => responder.writeMessage(EMPTY)), "BAD_TOKEN");
    assertEquals(codeOf(() => responder.readMessage(first)), "BAD_TOKEN");
    assertEquals(codeOf(() => responder.split()), "BAD_TOKEN");
  }
  for (const broken of breakages(second)) {
    const { initiator } = pair({ ephemeral: ephemerals[0] });
    initiator.writeMessage(PLAIN);
    assertEquals(codeOf(() => initiator.readMessage(broken)), "BAD_TOKEN");
    assertEquals(codeOf(() => initiator.readMessage(second)), "BAD_TOKEN");
    assertEquals(codeOf(() => initiator.split()), "BAD_TOKEN");
  }
});

function* breakages(message: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < 8 * message.length; bit++) {
    const flipped = message.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    yield flipped;
  }
  for (let size = 0; size < message.length; size++) {
    yield message.subarray(0, size);
  }
  yield new Uint8Array([...message, 0]);
}

Deno.test("a point of low order fails the handshake", () => {
  // The list of https://cr.yp.to/ecdh.html#validate, and with the top bit set.
  const points = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000080",
  ].map(unhex);
  for (const point of points) {
    // NN's first message is a bare point: nothing else can refuse it.
    const { initiator, responder } = pair({ psk: undefined });
    responder.readMessage(point);
    assertEquals(codeOf(() => responder.writeMessage(EMPTY)), "BAD_TOKEN");
    assertEquals(codeOf(() => responder.split()), "BAD_TOKEN");

    initiator.writeMessage(EMPTY);
    const answer = new Uint8Array([...point, ...new Uint8Array(NOISE_TAG)]);
    assertEquals(codeOf(() => initiator.readMessage(answer)), "BAD_TOKEN");
    assertEquals(codeOf(() => initiator.split()), "BAD_TOKEN");
  }
});

Deno.test("steps out of turn fail the handshake", () => {
  const steps = {
    writeMessage: (end: NoiseHandshake) => end.writeMessage(EMPTY),
    readMessage: (end: NoiseHandshake) => end.readMessage(new Uint8Array(48)),
    split: (end: NoiseHandshake) => end.split(),
  };
  for (const wrong of [steps.readMessage, steps.split]) {
    const { initiator } = pair();
    assertEquals(codeOf(() => wrong(initiator)), "BAD_TOKEN");
    assertEquals(codeOf(() => initiator.writeMessage(EMPTY)), "BAD_TOKEN");
  }
  for (const wrong of [steps.writeMessage, steps.split]) {
    const { responder } = pair();
    assertEquals(codeOf(() => wrong(responder)), "BAD_TOKEN");
  }
  const { initiator, responder } = pair();
  responder.readMessage(initiator.writeMessage(EMPTY));
  initiator.readMessage(responder.writeMessage(EMPTY));
  initiator.split();
  for (const step of Object.values(steps)) {
    assertEquals(codeOf(() => step(initiator)), "BAD_TOKEN");
  }
});

Deno.test("a message has at most 65,535 bytes", () => {
  const most = new Uint8Array(NOISE_MESSAGE - 32 - NOISE_TAG);
  const { initiator, responder } = pair();
  const more = new Uint8Array(most.length + 1);
  // Refused before the handshake has taken its step.
  assertEquals(codeOf(() => initiator.writeMessage(more)), "TOO_LARGE");
  const message = initiator.writeMessage(most);
  assertEquals(message.length, NOISE_MESSAGE);
  assertEquals(responder.readMessage(message), most);
  assertEquals(
    codeOf(() => pair().responder.readMessage(new Uint8Array(65_536))),
    "BAD_TOKEN",
  );
});
