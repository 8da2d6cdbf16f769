import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  generateOwnKeys,
  makeSessionKey,
  openSessionKey,
  readPublicKey,
} from "../protocol/chat/key_pair.ts";
import { openMessage, sealMessage } from "../protocol/chat/private_message.ts";
import { CypherError, CypherStatus } from "../protocol/errors.ts";
import { ChatServer } from "../server/chat/chat_server.ts";
import type { ChatServerOptions } from "../server/chat/options.ts";
import { Listener } from "./support/chat_client.ts";
import { Person } from "./support/chat_person.ts";
import {
  open,
  seal,
  sessionKey,
  Stranger,
  wrap,
} from "./support/chat_stranger.ts";
import { FaultProxy } from "./support/fault_proxy.ts";

async function serve(options: ChatServerOptions = {}): Promise<ChatServer> {
  const server = new ChatServer({ port: 0, ...options });
  await server.start();
  return server;
}

/** All that passes a server, in both directions, as text. */
class View {
  readonly proxy: FaultProxy;
  #said: Record<"up" | "down", string[]> = { up: [], down: [] };

  constructor(server: ChatServer) {
    const decoder = new TextDecoder();
    const record = (way: "up" | "down") => ({
      record: (chunk: Uint8Array) => {
        this.#said[way].push(decoder.decode(chunk, { stream: true }));
      },
    });
    this.proxy = FaultProxy.start(server.address, () => ({
      up: record("up"),
      down: record("down"),
    }));
  }

  /** All of it. */
  get text(): string {
    return this.#said.up.join("") + this.#said.down.join("");
  }

  /** The lines that came to the server and begin with a word. */
  lines(word: string): string[] {
    return this.#said.up.join("").split("\n")
      .filter((line) => line.startsWith(`${word} `));
  }
}

Deno.test("what two clients write to each other, the server cannot read", async () => {
  await using server = await serve();
  const view = new View(server);
  await using _proxy = view.proxy;
  await using alice = await Listener.login(view.proxy.address, "alice");
  await using bob = await Listener.login(view.proxy.address, "bob");
  await alice.hears("key");
  const secrets = ["attack at dawn", "é€😀 from the left", "x".repeat(3_000)];
  for (const secret of secrets) await alice.client.pm("bob", secret);
  for (const secret of secrets) {
    const { name, text } = await bob.hears("private");
    assertEquals([name, text], ["alice", secret]);
  }
  await bob.client.pm("alice", "attack at noon");
  assertEquals((await alice.hears("private")).text, "attack at noon");
  // The server's view: one key each way, every message, and no plaintext.
  assertEquals(view.lines("PM_SESSIONKEY").length, 2);
  assertEquals(view.lines("PM").length, 4);
  for (const secret of [...secrets, "attack at noon"]) {
    const bytes = new TextEncoder().encode(secret);
    const forms = [
      secret,
      bytes.toHex(),
      ...[0, 1, 2].map((at) =>
        // Base64 of it wherever it may begin; the ends depend on what is around.
        bytes.subarray(at, bytes.length - (bytes.length - at) % 3).toBase64()
      ),
    ];
    for (const form of forms) assert(!view.text.includes(form), secret);
  }
  // A broadcast is not secret: so the search above can find something.
  await alice.client.broadcast("attack at dusk");
  assert(view.text.includes("attack at dusk"));
});

Deno.test("both fingerprints are those of the keys announced", async () => {
  await using server = await serve();
  await using alice = await Listener.login(server.address, "alice");
  await using bob = await Listener.login(server.address, "bob");
  const { name, fingerprint } = await alice.hears("key");
  assertEquals(name, "bob");
  assertEquals(fingerprint, await bob.client.fingerprint());
  assert(/^[0-9a-f]{4}( [0-9a-f]{4}){3}$/.test(fingerprint));
  const other = await bob.hears("key");
  assertEquals(other.fingerprint, await alice.client.fingerprint());
  assertEquals(alice.client.fingerprintOf("bob"), fingerprint);
  assert(fingerprint !== other.fingerprint);
});

Deno.test("late joiners write encrypted to earlier ones", async () => {
  await using server = await serve();
  const view = new View(server);
  await using _proxy = view.proxy;
  await using alice = await Listener.login(server.address, "alice");
  await using bob = await Listener.login(server.address, "bob");
  await alice.client.pm("bob", "before carol");
  await bob.hears("private");
  await using carol = await Listener.login(view.proxy.address, "carol");
  await carol.client.pm("alice", "hello from the latecomer");
  await carol.client.pm("bob", "and to you");
  assertEquals((await alice.hears("private")).text, "hello from the latecomer");
  assertEquals((await bob.hears("private")).text, "and to you");
  assert(!view.text.includes("latecomer"));
  assertEquals(view.lines("PM_SESSIONKEY").length, 2);
});

Deno.test("messages keep their order, and need one key", async () => {
  await using server = await serve({ limits: { burst: 1_000 } });
  const view = new View(server);
  await using _proxy = view.proxy;
  await using alice = await Listener.login(view.proxy.address, "alice");
  await using bob = await Listener.login(server.address, "bob");
  await alice.hears("key");
  // Long ones take longer to seal.
  const texts = Array.from(
    { length: 200 },
    (_, i) => `${i} ${"x".repeat(i % 2 === 0 ? 3_000 : 0)}`,
  );
  const sent = texts.map((text) => alice.client.pm("bob", text));
  for (const text of texts) {
    assertEquals((await bob.hears("private")).text, text);
  }
  await Promise.all(sent);
  assertEquals(view.lines("PM_SESSIONKEY").length, 1);
});

Deno.test("a key is forgotten when its user leaves", async () => {
  await using server = await serve();
  const view = new View(server);
  await using _proxy = view.proxy;
  await using alice = await Listener.login(view.proxy.address, "alice");
  let first: string;
  {
    await using bob = await Listener.login(server.address, "bob");
    first = (await alice.hears("key")).fingerprint;
    await alice.client.pm("bob", "to the first");
    assertEquals((await bob.hears("private")).text, "to the first");
    await bob.client.pm("alice", "from the first");
    assertEquals((await alice.hears("private")).text, "from the first");
  }
  await alice.hears("left");
  assertEquals(alice.client.fingerprintOf("bob"), undefined);
  const gone = await assertRejects(
    () => alice.client.pm("bob", "to nobody"),
    CypherStatus,
  );
  assertEquals(gone.status, "FAIL07");
  await using bob = await Listener.login(server.address, "bob");
  const { fingerprint } = await alice.hears("key");
  assert(fingerprint !== first);
  await alice.client.pm("bob", "to the second");
  assertEquals((await bob.hears("private")).text, "to the second");
  assertEquals(view.lines("PM_SESSIONKEY").length, 2);
});

Deno.test("what the first of a name sealed, the second cannot claim", async () => {
  await using server = await serve();
  await using alice = await Listener.login(server.address, "alice");
  const key = sessionKey();
  {
    await using mallory = await Person.login(server.address, "mallory");
    const [line] = await mallory.until(/^PM_PUBKEY alice /);
    const wrapped = wrap(line!.split(" ")[2]!, key);
    await mallory.says(`PM_SESSIONKEY alice ${wrapped}`, "OK PM_SESSIONKEY");
    const sealed = seal(key, "mallory", "alice", "one");
    await mallory.says(`PM alice ${sealed}`, /^OK PM/);
    assertEquals((await alice.hears("private")).text, "one");
  }
  await alice.hears("left");
  await using other = await Person.login(server.address, "mallory");
  await other.sees(/^PM_PUBKEY alice /);
  const sealed = seal(key, "mallory", "alice", "two");
  await other.says(`PM alice ${sealed}`, /^OK PM/);
  assertEquals((await alice.hears("unopened")).why, "no-key");
});

Deno.test("a stranger's own implementation, in both directions", async () => {
  await using server = await serve();
  await using alice = await Listener.login(server.address, "alice");
  const stranger = new Stranger();
  await using person = await Person.login(server.address, "stranger");
  const [line] = await person.until(/^PM_PUBKEY alice /);
  const announced = line!.split(" ")[2]!;
  await person.says(`PM_PUBKEY ${stranger.announced}`, "OK PM_PUBKEY");
  const { fingerprint } = await alice.hears("key");
  assertEquals(fingerprint, stranger.fingerprint);

  const sent = alice.client.pm("stranger", "héllo 😀");
  const [first] = await person.until(/^PM_SESSIONKEY alice /);
  const theirs = stranger.unwrap(first!.split(" ")[2]!);
  assertEquals(theirs.length, 32);
  const [second] = await person.until(/^NPM alice /);
  const text = open(theirs, "alice", "stranger", second!.split(" ")[2]!);
  assertEquals(text, "héllo 😀");
  await sent;

  const key = sessionKey();
  const wrapped = wrap(announced, key);
  await person.says(`PM_SESSIONKEY alice ${wrapped}`, "OK PM_SESSIONKEY");
  const sealed = seal(key, "stranger", "alice", "hi\x1b[2J\nthere");
  await person.says(`PM alice ${sealed}`, /^OK PM/);
  // What was sealed has been seen by nobody on the way: it is cleaned here.
  assertEquals((await alice.hears("private")).text, "hi[2Jthere");
});

Deno.test("what was tampered with is shown as such, never as text", async () => {
  await using server = await serve();
  await using alice = await Listener.login(server.address, "alice");
  await using mallory = await Person.login(server.address, "mallory");
  const [line] = await mallory.until(/^PM_PUBKEY alice /);
  const announced = line!.split(" ")[2]!;
  const pm = async (message: string) => {
    await mallory.says(`PM alice ${message}`, /^OK PM alice/);
    const { kind: _, at: __, ...said } = await alice.hears("unopened");
    assert(!JSON.stringify(said).includes("plain"));
    return said;
  };
  const name = "mallory";
  const key = sessionKey();
  const good = seal(key, name, "alice", "plain words");
  assertEquals(await pm("plain words"), { name, why: "no-key" });
  assertEquals(await pm(good), { name, why: "no-key" });

  // A key that does not open is said to be bad, and none.
  await mallory.says("PM_SESSIONKEY alice bm90IGEga2V5", "OK PM_SESSIONKEY");
  assertEquals((await alice.hears("bad-key")).which, "session");
  const short = wrap(announced, key.subarray(0, 16));
  await mallory.says(`PM_SESSIONKEY alice ${short}`, "OK PM_SESSIONKEY");
  assertEquals((await alice.hears("bad-key")).which, "session");

  const wrapped = wrap(announced, key);
  await mallory.says(`PM_SESSIONKEY alice ${wrapped}`, "OK PM_SESSIONKEY");
  const bytes = Uint8Array.fromBase64(good);
  for (let at = 0; at < bytes.length; at++) {
    const altered = bytes.slice();
    altered[at]! ^= 1;
    assertEquals(await pm(altered.toBase64()), { name, why: "not-opened" });
  }
  const others = [
    "plain words",
    bytes.subarray(0, 11).toBase64(),
    bytes.subarray(0, -1).toBase64(),
    "AAAA",
    seal(key, "bob", "alice", "plain words"),
    seal(key, name, "bob", "plain words"),
    seal(sessionKey(), name, "alice", "plain words"),
  ];
  for (const message of others) {
    assertEquals(await pm(message), { name, why: "not-opened" });
  }

  // A key is taken once: a second could only be somebody else's.
  const second = wrap(announced, sessionKey());
  await mallory.says(`PM_SESSIONKEY alice ${second}`, "OK PM_SESSIONKEY");
  assertEquals((await alice.hears("bad-key")).which, "session");
  await mallory.says(`PM alice ${good}`, /^OK PM/);
  assertEquals((await alice.hears("private")).text, "plain words");
});

Deno.test("a bit flipped on the way", async () => {
  await using server = await serve();
  // All that comes to bob up to the message has a known length.
  const before = [
    "INIT Welcome. IDENT <username> logs in",
    "OK IDENT bob",
    `PM_PUBKEY alice ${"k".repeat(392)}`,
    "OK PM_PUBKEY",
    `PM_SESSIONKEY alice ${"k".repeat(344)}`,
    "NPM alice ",
  ].join("\n").length;
  let seen = "";
  await using proxy = FaultProxy.start(server.address, () => ({
    down: {
      corruptAt: before + 30,
      record: (chunk) => seen += new TextDecoder().decode(chunk),
    },
  }));
  await using alice = await Listener.login(server.address, "alice");
  await using bob = await Listener.login(proxy.address, "bob");
  await alice.hears("key");
  await alice.client.pm("bob", "attack at dawn");
  await alice.client.pm("bob", "attack at noon");
  assertEquals((await bob.hears("unopened")).why, "not-opened");
  assertEquals((await bob.hears("private")).text, "attack at noon");
  assert(seen.slice(before - 10).startsWith("NPM alice "), "off the mark");
});

Deno.test("nothing is sent in the clear to who has no key", async () => {
  await using server = await serve();
  const view = new View(server);
  await using _proxy = view.proxy;
  await using alice = await Listener.login(view.proxy.address, "alice");
  await using bob = await Person.login(server.address, "bob");
  const error = await assertRejects(
    () => alice.client.pm("bob", "attack at dawn"),
    CypherError,
  );
  assertEquals(error.code, "UNSENDABLE");
  assert(!error.message.includes("dawn"));
  for (const key of ["nonsense", "AAAA", btoa("x".repeat(294))]) {
    await bob.types(`PM_PUBKEY ${key}`);
    await bob.until(/^OK PM_PUBKEY$/);
    assertEquals((await alice.hears("bad-key")).which, "public");
  }
  await assertRejects(() => alice.client.pm("bob", "attack at dawn"));
  assert(!view.text.includes("dawn"));
  assertEquals(view.lines("PM"), []);
  assertEquals(view.lines("PM_SESSIONKEY"), []);
});

Deno.test("the private key cannot be exported", async () => {
  const { privateKey, announced } = await generateOwnKeys();
  await assertRejects(() => crypto.subtle.exportKey("pkcs8", privateKey));
  const { key } = await readPublicKey(announced);
  const { wrapped } = await makeSessionKey(key);
  const opened = await openSessionKey(privateKey, wrapped);
  await assertRejects(() => crypto.subtle.exportKey("raw", opened));
});

Deno.test("the same text twice is sealed differently", async () => {
  const { privateKey, announced } = await generateOwnKeys();
  const { key, wrapped } = await makeSessionKey(
    (await readPublicKey(announced)).key,
  );
  const opener = await openSessionKey(privateKey, wrapped);
  const route = { from: "alice", to: "bob" };
  const [one, two] = [
    await sealMessage(key, route, "same"),
    await sealMessage(key, route, "same"),
  ];
  assert(one !== two);
  assertEquals(await openMessage(opener, route, one), "same");
  assertEquals(await openMessage(opener, route, two), "same");
  // A name's end is not the other's beginning.
  await assertRejects(() =>
    openMessage(opener, { from: "alic", to: "ebob" }, one)
  );
});
