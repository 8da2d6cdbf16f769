/**
 * Which signals anybody wants: a bit for each kind, in memory that all threads
 * see. The main one sets them, the others look before they tell it anything.
 *
 * @module
 */
import type { Monitor } from "../monitor.ts";
import { SIGNAL_KINDS, type SignalKind } from "../signals.ts";
import { CONTROL } from "./messages.ts";

/** The bits of {@linkcode CONTROL}'s `wanted`, by kind of signal. */
export const KIND_BITS: Readonly<Record<SignalKind, number>> = Object
  .fromEntries(SIGNAL_KINDS.map((kind, i) => [kind, 1 << i])) as Record<
    SignalKind,
    number
  >;

/** Tells the threads what is wanted of a monitor; returns what ends that. */
export function tellWanted(
  monitor: Monitor,
  memory: SharedArrayBuffer,
): () => void {
  const control = new Int32Array(memory);
  const tell = () => {
    const wanted = SIGNAL_KINDS.filter((kind) => monitor.wants(kind));
    const bits = wanted.reduce((bits, kind) => bits | KIND_BITS[kind], 0);
    Atomics.store(control, CONTROL.wanted, bits);
  };
  tell();
  return monitor.onWatched(tell);
}

/** Whether anything is wanted. */
export function isAnyWanted(control: Int32Array): boolean {
  return Atomics.load(control, CONTROL.wanted) > 0;
}

/** Whether signals of a kind are wanted. */
export function isWanted(control: Int32Array, kind: SignalKind): boolean {
  return (Atomics.load(control, CONTROL.wanted) & KIND_BITS[kind]) > 0;
}
