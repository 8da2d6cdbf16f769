/**
 * What the two ends of a session tell each other about themselves, as opposed
 * to requests and answers: each payload has one writer and one reader, which
 * hold it to the same form. Keys that a reader does not know are ignored.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type AnsweredJson, AnsweredSet } from "./answered.ts";
import { CypherError } from "./errors.ts";
import { Fields, UNPRINTABLE } from "./fields.ts";
import { isJsonObject, type JsonValue, parseJson, writeJson } from "./json.ts";
import { LONGEST_TIME } from "./options.ts";

/** How many characters a `name`, a `software` and a `reason` may have. */
export const NAME_LENGTH = 128;
/** How many characters an error frame's message may have. */
export const MESSAGE_LENGTH = 256;
/** How many bytes a client's secret has. */
export const SECRET_BYTES = 32;
/** The most requests in flight that a server can allow. */
export const LARGEST_WINDOW = 65_536;

/** What a range takes at most, and what all the rest of a `hello` does. */
const RANGE_BYTES = 36;
const HELLO_BYTES = 256;
/** A frame's length is 4 bytes, and counts 9 that are not the payload's. */
const LARGEST_MESSAGE = 2 ** 32 - 1 - 9;
/** How deep a payload may nest: deeper than any does. */
const DEPTH = 8;
const ID = /^[\w-]{1,64}$/;
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

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

/** A client's `hello`: the proof that the client id is its own. */
export interface ClientHello {
  /** The 32 bytes that the client id is a hash of. */
  readonly secret: Uint8Array;
  /** The ids whose answers it has. */
  readonly answered: AnsweredSet;
  /**
   * Whether it takes this server for one that remembers it. If the server does
   * not, it says so and waits for another `hello`: nothing is begun for a
   * client that may not have heard that it was forgotten.
   */
  readonly met?: boolean;
}

/** A server's `hello`: the connection is proven. */
export interface ServerHello {
  /**
   * Whether the server remembers this client. This one holds: it may have
   * forgotten it since its {@linkcode ServerOffer}, which bound it to nothing.
   */
  readonly known: boolean;
}

/** What is said before a connection is closed. */
export interface CloseNotice {
  /** In a word, such as `"draining"`. */
  readonly reason: string;
  /** For how many ms to stay away; 0: no need to. */
  readonly after: number;
  /** The highest id ever accepted from this client; those above never ran. */
  readonly last: number;
}

/** What an error frame says about its request, or the connection. */
export interface ErrorNotice {
  /** Upper-case words, such as `"ANSWER_LOST"`. */
  readonly code: string;
  /** For people: up to {@linkcode MESSAGE_LENGTH} characters. */
  readonly message: string;
}

/**
 * The id of the client that has this secret: the hex of the first 16 bytes of
 * its SHA-256. Knowing the id is no help in finding the secret.
 *
 * @throws {CypherError} `BAD_OPTION` if the secret does not have 32 bytes.
 */
export function clientIdOf(secret: Uint8Array): string {
  if (secret.length !== SECRET_BYTES) {
    throw new CypherError(
      "BAD_OPTION",
      `Cannot make a client id: the secret must have ${SECRET_BYTES} bytes, ` +
        `got ${secret.length}`,
    );
  }
  return createHash("sha256").update(secret).digest("hex").slice(0, 32);
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
  return clientOffer(decode(payload));
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
  return serverOffer(decode(payload));
}

/**
 * The answered ids in parts, each of which fits into a `hello`, and into an
 * `answered` frame, for a server that takes payloads of `messageBytes`.
 */
export function answeredParts(
  answered: AnsweredSet,
  messageBytes: number,
): AnsweredJson[] {
  const room = Math.floor((messageBytes - HELLO_BYTES) / RANGE_BYTES);
  return answered.parts(Math.max(1, room));
}

/** Writes a client's `hello`, with one part of what is answered. */
export function writeClientHello(
  { secret, answered, met = false }:
    & Omit<ClientHello, "answered">
    & { readonly answered: AnsweredJson },
): string {
  return writeJson({ secret: secret.toHex(), answered, met });
}

/**
 * Reads a client's `hello`. It is proven if {@linkcode clientIdOf} the secret
 * is the id that it offered. `window` bounds the answered ids.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readClientHello(
  payload: Uint8Array,
  window: number,
): ClientHello {
  const fields = decode(payload);
  return {
    secret: Uint8Array.fromHex(fields.hex("secret", SECRET_BYTES)),
    answered: AnsweredSet.fromJson(fields.value("answered"), window),
    met: fields.value("met") !== undefined && fields.flag("met"),
  };
}

/** Writes a server's `hello`. */
export function writeServerHello({ known }: ServerHello): string {
  return writeJson({ known });
}

/**
 * Reads a server's `hello`.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readServerHello(payload: Uint8Array): ServerHello {
  return { known: decode(payload).flag("known") };
}

/** Writes the payload of an `answered` frame. */
export function writeAnswered(answered: AnsweredJson): string {
  return writeJson(answered);
}

/**
 * Reads the payload of an `answered` frame; `window` bounds it.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readAnswered(
  payload: Uint8Array,
  window: number,
): AnsweredSet {
  return AnsweredSet.fromJson(decodeJson(payload), window);
}

/**
 * Writes the payload of a `close` frame.
 *
 * @throws {CypherError} `UNSENDABLE` naming what is not in its form.
 */
export function writeClose(notice: CloseNotice): string {
  return writeJson(closeNotice(new Fields("UNSENDABLE", { ...notice })));
}

/**
 * Reads the payload of a `close` frame.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readClose(payload: Uint8Array): CloseNotice {
  return closeNotice(decode(payload));
}

/**
 * Writes the payload of an error frame. A message that is too long is cut, one
 * that is not printable mended: an error must not fail for its wording.
 *
 * @throws {CypherError} `UNSENDABLE` if the code is not in its form.
 */
export function writeError({ code, message }: ErrorNotice): string {
  const printable = message.slice(0, MESSAGE_LENGTH)
    .replace(new RegExp(UNPRINTABLE, "gu"), " ");
  const fields = { code, message: printable };
  return JSON.stringify(errorNotice(new Fields("UNSENDABLE", fields)));
}

/**
 * Reads the payload of an error frame.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readError(payload: Uint8Array): ErrorNotice {
  return errorNotice(decode(payload));
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

function closeNotice(fields: Fields): CloseNotice {
  return {
    reason: fields.text("reason", NAME_LENGTH),
    after: fields.number("after", 0, LONGEST_TIME),
    last: fields.number("last", 0, Number.MAX_SAFE_INTEGER),
  };
}

function errorNotice(fields: Fields): ErrorNotice {
  return {
    code: fields.match("code", CODE),
    message: fields.text("message", MESSAGE_LENGTH, 0),
  };
}

/** UTF-8 without escapes: the first handshake message has little room. */
function encode(payload: ClientOffer | ServerOffer): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(payload));
}

function decode(payload: Uint8Array): Fields {
  const value = decodeJson(payload);
  if (isJsonObject(value)) return new Fields("BAD_MESSAGE", value);
  throw new CypherError(
    "BAD_MESSAGE",
    "Cannot read the payload: it is not an object",
  );
}

function decodeJson(payload: Uint8Array): JsonValue {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
  } catch {
    throw new CypherError(
      "BAD_MESSAGE",
      "Cannot read the payload: it is not UTF-8",
    );
  }
  return parseJson(text, DEPTH);
}
