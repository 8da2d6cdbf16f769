import { batch, signal } from "@preact/signals";
import type { ListenerInfo } from "../../../server/monitor.ts";
import type {
  Batch,
  ConnectionRow,
  Figures,
  Role,
  Sample,
  Snapshot,
} from "../../contract.ts";
import { setClock } from "./clock.ts";

/** What rarely changes. */
export interface ServerFacts {
  readonly instance: string;
  readonly name: string;
  readonly version: string;
  readonly started: number;
  readonly role: Role;
  readonly signedIn: boolean;
  readonly heartbeat: number;
}

/** Fifteen minutes of two seconds. */
const SAMPLES = 450;
/** How long the closed stay listed, in ms. */
const REMEMBER = 5 * 60_000;

/** Null until the first snapshot. */
export const server = signal<ServerFacts | null>(null);
export const listeners = signal<readonly ListenerInfo[]>([]);
export const figures = signal<Figures | null>(null);
export const samples = signal<readonly Sample[]>([]);

/**
 * Plain objects in a plain map: with 10,000 connections a signal for each
 * would cost more than it saves. {@linkcode revision} says that rows changed.
 */
export const rows: Map<string, ConnectionRow> = new Map();
export const revision = signal(0);

/** Ids that came or left since the table last took them. */
let moved = new Set<string>();

/** Hands over the ids that came or left since the call before. */
export function takeMoved(): ReadonlySet<string> {
  const taken = moved;
  moved = new Set();
  return taken;
}

/** Counts up when all rows were replaced: no order is worth keeping then. */
export const epoch = signal(0);

/** Replaces everything, or on `resume` brings it up to date. */
export function applySnapshot(snapshot: Snapshot, resumed: boolean): void {
  batch(() => {
    setClock(snapshot.now, true);
    const { instance, name, version, started, role, signedIn, heartbeat } =
      snapshot;
    server.value = {
      instance,
      name,
      version,
      started,
      role,
      signedIn,
      heartbeat,
    };
    listeners.value = snapshot.listeners;
    figures.value = snapshot.figures;
    samples.value = snapshot.samples.slice(-SAMPLES);
    const present = new Set(snapshot.connections.map((row) => row.id));
    for (const id of [...rows.keys()]) if (!present.has(id)) remove(id);
    for (const row of snapshot.connections) put(row);
    if (!resumed) epoch.value++;
    revision.value++;
  });
}

/** Takes in what has changed. */
export function applyBatch(change: Batch): void {
  batch(() => {
    setClock(change.now);
    figures.value = change.figures;
    if (change.listeners) listeners.value = change.listeners;
    if (change.samples.length > 0) {
      samples.value = [...samples.value, ...change.samples].slice(-SAMPLES);
    }
    for (const row of change.connections) put(row);
    if (change.connections.length > 0) revision.value++;
  });
}

/** Forgets the long closed, save those that `keep` still shows. */
export function prune(now: number, keep: (id: string) => boolean): void {
  const before = rows.size;
  for (const [id, { state }] of rows) {
    if (state.kind === "closed" && now - state.at > REMEMBER && !keep(id)) {
      remove(id);
    }
  }
  // Peeked: an effect that prunes must not run again because it did.
  if (rows.size < before) revision.value = revision.peek() + 1;
}

function put(row: ConnectionRow): void {
  const before = rows.get(row.id)?.state.kind;
  if (before === undefined || closed(before) !== closed(row.state.kind)) {
    moved.add(row.id);
  }
  rows.set(row.id, row);
}

function remove(id: string): void {
  rows.delete(id);
  moved.add(id);
}

const closed = (kind: string): boolean => kind === "closed";
