import { batch } from "@preact/signals";
import type { Batch, Snapshot } from "../../contract.ts";
import { receive, restart, wantRequests } from "../signals/log.ts";
import { backMessage, type Opening, retryDelay } from "./back.ts";
import { runClock, stopClock } from "./clock.ts";
import { link } from "./link.ts";
import { News } from "./news.ts";
import { applyBatch, applySnapshot, server } from "./store.ts";
import { say } from "./toast.ts";
import { forgetSubject } from "./view.ts";

/** A gap shorter than this, in ms, is only hinted at. */
const NOTICE = 500;
/** How long the server may take to say whether it is there, in ms. */
const ANSWER = 5000;
let source: EventSource | undefined;
let lastId: string | undefined;
const news = new News();
/** The stream's name, for saying that it is still read. */
let stream: string | undefined;
let failures = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let notice: ReturnType<typeof setTimeout> | undefined;

/** Opens the stream and keeps it open from now on. */
export function startStream(): void {
  open();
  setInterval(watch, 500);
  let requests = wantRequests.peek();
  wantRequests.subscribe((wanted) => {
    if (wanted === requests) return;
    requests = wanted;
    if (link.peek().kind === "live") open();
  });
}

/** Opens the stream now: after a sign-in, or because the user asked. */
export function retryNow(): void {
  open();
}

/** Ends the stream and shows the login; `ended` when not by the user. */
export function signedOut(ended: boolean): void {
  close();
  clearTimeout(notice);
  lastId = undefined;
  link.value = { kind: "login", ended };
}

function close(): void {
  clearTimeout(retry);
  source?.close();
  source = undefined;
}

function open(): void {
  close();
  const query = new URLSearchParams();
  if (lastId) query.set("after", lastId);
  if (wantRequests.peek()) query.set("requests", "1");
  const opened = source = new EventSource(`./events?${query}`);
  news.listen();
  for (const opening of ["snapshot", "resume", "reset"] as const) {
    opened.addEventListener(opening, (event) => begin(opening, event));
  }
  opened.addEventListener("batch", (event) => {
    hear(event);
    const change: Batch = JSON.parse(event.data);
    batch(() => {
      applyBatch(change);
      receive(change.signals, change.skipped);
    });
  });
  opened.addEventListener("heartbeat", (event) => {
    hear(event);
    void answer();
  });
  opened.onerror = () => void lost(opened);
}

function hear(event: MessageEvent): void {
  news.hear();
  if (event.lastEventId) lastId = event.lastEventId;
}

/** A socket takes in much that nobody reads: says that somebody does. */
async function answer(): Promise<void> {
  if (stream === undefined) return;
  const url = `./events/${encodeURIComponent(stream)}`;
  // A failure shows on the stream itself, which then ends.
  const status = await fetch(url, { method: "POST" })
    .then(({ status }) => status, () => 0);
  if (status === 401) signedOut(true);
}

function begin(opening: Opening, event: MessageEvent): void {
  hear(event);
  clearTimeout(notice);
  failures = 0;
  const snapshot: Snapshot = JSON.parse(event.data);
  stream = snapshot.stream;
  const before = server.peek()?.instance ?? null;
  const noticed = link.peek().kind === "gone";
  batch(() => {
    runClock();
    // The ids start anew: the one in the drawer would be somebody else's.
    if (before !== null && before !== snapshot.instance) forgetSubject();
    // Without this, a stream asked for with `after` that restarted would look
    // like a resume: the instance decides.
    const resumed = opening === "resume" && before === snapshot.instance;
    applySnapshot(snapshot, resumed);
    if (resumed) receive(snapshot.signals, snapshot.skipped);
    else restart(snapshot.signals);
    link.value = { kind: "live" };
    const message = backMessage(opening, before, snapshot.instance, noticed);
    if (message) say(message);
  });
}

/** The stream broke: find out whether a token is missing, then try again. */
async function lost(broken: EventSource): Promise<void> {
  if (broken !== source) return;
  close();
  if (link.peek().kind === "live") {
    link.value = { kind: "reconnecting" };
    notice = setTimeout(() => goneUntil(performance.now()), NOTICE);
  }
  // An EventSource does not tell 401 from "not there".
  const status = await fetch("./events", {
    method: "HEAD",
    cache: "no-store",
    // A line that swallows everything would hold up all further tries.
    signal: AbortSignal.timeout(ANSWER),
  }).then((answer) => answer.status, () => 0);
  // Meanwhile the user may have opened it again.
  if (source) return;
  if (status === 401) return signedOut(server.peek() !== null);
  failures++;
  // The first try after a break is at once: a proxy's cut heals unnoticed.
  const delay = failures === 1 && status > 0 && status < 500
    ? 0
    : retryDelay(failures);
  if (delay > 0) goneUntil(performance.now() + delay);
  retry = setTimeout(open, delay);
}

/** Shows the server as gone, if there was anything to be gone from. */
function goneUntil(retryAt: number): void {
  clearTimeout(notice);
  const facts = server.peek();
  if (facts === null) return;
  const seen = stopClock(news.viewFrom(facts.heartbeat));
  link.value = { kind: "gone", seen, retryAt };
}

function watch(): void {
  const every = server.peek()?.heartbeat;
  if (source && every && news.silent(every)) void lost(source);
}
