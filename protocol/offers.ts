/**
 * What the payloads of the two handshake messages say: who each end is, and
 * what it takes; or why there is no session.
 *
 * @module
 */
import { Fields, fieldsIn, NAME_LENGTH } from "./fields.ts";
import { LONGEST_TIME } from "./options.ts";

/** The most requests in flight that a server can allow. */
export const LARGEST_WINDOW = 65_536;

/** A frame's length is 4 bytes, and counts 9 that are not the payload's. */
const LARGEST_MESSAGE = 2 ** 32 - 1 - 9;
const ID = /^[\w-]{1,64}$/;

/** Why a server refuses a handshake: `00 00`, then one of these bytes. */
export const REFUSAL = {
  /** No key that the server accepts made the first message. */
  key: 1,
  /** As many handshakes or connections as there may be are there. */
  busy: 2,
  /** The server is about to stop. */
  draining: 3,
  /** The server does not speak this version. */
  version: 4,
} as const;

/** A reason of {@linkcode REFUSAL}. */
export type Refusal = keyof typeof REFUSAL;

/**
 * The first handshake message's payload. It can be replayed, so it is what
 * somebody once said; see {@linkcode ClientHello} for the proof.
 */
export interface ClientOffer {
  /** The client's id: {@linkcode clientIdOf} its secret. */
  readonly client: string;
  /** What people call it: up to {@linkcode NAME_LENGTH} characters. */
  readonly name?: string | undefined;
  /** Its library and version: up to {@linkcode NAME_LENGTH} characters. */
  readonly software: string;
  /** The largest payload that it takes, in bytes. */
  readonly messageBytes: number;
}

/** The second handshake message's payload. */
export interface ServerOffer {
  /** Says, by changing, that the server has forgotten its clients. */
  readonly server: string;
  /** The connection's name in the server's signals. */
  readonly connection: string;
  /** Whether the server remembers this client. */
  readonly known: boolean;
  /** How many requests may be in flight, from 1 on. */
  readonly window: number;
  /** The largest payload that it takes, in bytes. */
  readonly messageBytes: number;
  /** After how many ms of silence either end sends a ping. */
  readonly heartbeat: number;
}

/** The bytes of a refusal on the wire. */
export function writeRefusal(refusal: Refusal): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0, 0, REFUSAL[refusal]);
}

/** What a refusal's byte says, if anything. */
export function readRefusal(byte: number): Refusal | undefined {
  const names = Object.keys(REFUSAL) as Refusal[];
  return names.find((name) => REFUSAL[name] === byte);
}

/**
 * Writes the first handshake message's payload, of at most 976 bytes.
 *
 * @throws {CypherError} `UNSENDABLE` naming what is not in its form.
 */
export function writeClientOffer(offer: ClientOffer): Uint8Array<ArrayBuffer> {
  return encode(clientOffer(new Fields("UNSENDABLE", { ...offer })));
}

/**
 * Reads the first handshake message's payload.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readClientOffer(payload: Uint8Array): ClientOffer {
  return clientOffer(fieldsIn(payload));
}

/**
 * Writes the second handshake message's payload.
 *
 * @throws {CypherError} `UNSENDABLE` naming what is not in its form.
 */
export function writeServerOffer(offer: ServerOffer): Uint8Array<ArrayBuffer> {
  return encode(serverOffer(new Fields("UNSENDABLE", { ...offer })));
}

/**
 * Reads the second handshake message's payload.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readServerOffer(payload: Uint8Array): ServerOffer {
  return serverOffer(fieldsIn(payload));
}

function clientOffer(fields: Fields): ClientOffer {
  return {
    client: fields.hex("client", 16),
    ...(fields.value("name") === undefined
      ? {}
      : { name: fields.text("name", NAME_LENGTH) }),
    software: fields.text("software", NAME_LENGTH),
    messageBytes: fields.number("messageBytes", 1, LARGEST_MESSAGE),
  };
}

function serverOffer(fields: Fields): ServerOffer {
  return {
    server: fields.match("server", ID),
    connection: fields.match("connection", ID),
    known: fields.flag("known"),
    window: fields.number("window", 1, LARGEST_WINDOW),
    messageBytes: fields.number("messageBytes", 1, LARGEST_MESSAGE),
    heartbeat: fields.number("heartbeat", 1, LONGEST_TIME),
  };
}

/** UTF-8 without escapes: the first handshake message has little room. */
function encode(payload: ClientOffer | ServerOffer): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(payload));
}
