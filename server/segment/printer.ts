import type { Signal } from "../signals.ts";
import type { SegmentServerStep } from "./steps.ts";

const BORDER = `+${"-".repeat(55)}+`;

/** Prints what the C server prints, line by line. */
export class Printer {
  #print: (text: string) => void;

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  /** What is printed first. */
  banner(port: number): void {
    this.#print(BORDER);
    this.#print(`|${" ".repeat(24)}SERVER${" ".repeat(25)}|`);
    this.#print(`${BORDER}\n`);
    this.#print(`*** server is listening on port: ${port} ***`);
    this.#print("*** waiting for connections ***\n");
  }

  /** What is printed of a client's step. */
  step({ step, address }: SegmentServerStep): void {
    const client = `client on port ${portOf(address)}`;
    switch (step) {
      case "syn-received":
        return this.#print("1) SYN received.");
      case "syn-ack-sent":
        return this.#print("2) SYN-ACK sent.");
      case "ack-received":
        this.#print("3) ACK received.");
        return this.#print(`${client} (IP ${ipOf(address)}) connected.\n`);
      case "payload-received":
        return this.#print(`${client} received payload.`);
      case "payload-intact":
        return this.#print(`${client} received integral payload.`);
    }
  }

  /** What is printed of the rest of a client's life. */
  signal(signal: Signal): void {
    const { kind, address } = signal;
    const client = `client on port ${portOf(address)}`;
    switch (kind) {
      case "offline":
        return this.#print(`${client} (IP ${ipOf(address)}) disconnected.\n`);
      case "failure":
        return this.#print(`Error: ${client}: ${signal.message}.`);
      case "limit":
        return this.#print(`Error: the limit of ${signal.limit} is reached.`);
      case "online":
      case "timeout":
      case "request":
      case "notice":
    }
  }
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}

/** The address without its port; IPv6 without its brackets. */
function ipOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}
