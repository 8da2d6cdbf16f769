import type { Outcome } from "../answers.ts";
import type { HandlerErrorInfo } from "../handler.ts";
import type { Journalling } from "../journal.ts";
import type { ServerKeys } from "../key_ring.ts";
import type { ConnectionInfo } from "../monitor.ts";
import type { CheckedOptions } from "../options.ts";
import type { Ending, Handover } from "../session/client_record.ts";
import type { NewSignal, OfflineReason } from "../signals.ts";

/** The options that can cross to another thread. */
export type PlainOptions = Omit<
  CheckedOptions,
  | "handler"
  | "listen"
  | "idempotent"
  | "tracing"
  | "monitor"
  | "onHandlerError"
  | "clock"
>;

/** Memory that every thread sees. */
export interface SharedMemory {
  /** Two words: the connections' numbers, and what anybody wants to know. */
  readonly control: SharedArrayBuffer;
  /** The highest id that was accepted from each client. */
  readonly highest: SharedArrayBuffer;
  /** The requests that run on the one thread. */
  readonly running: SharedArrayBuffer;
  /** The identities of classic tokens. */
  readonly identities: SharedArrayBuffer;
}

/** The words of {@linkcode SharedMemory.control}. */
export const CONTROL = { ticket: 0, wanted: 1, words: 2 } as const;

/** What a thread is told first, with the port for all that follows. */
export interface Init {
  readonly port: MessagePort;
  /** The address of the handler's module. */
  readonly handler: string;
  readonly options: PlainOptions;
  readonly serverId: string;
  /** The thread's own number. */
  readonly thread: number;
  /** Begins the ids of its connections. */
  readonly prefix: string;
  /** Whether others listen on the same port. */
  readonly reusePort: boolean;
  readonly memory: SharedMemory;
  /** What became of the keys since the server was made, in order. */
  readonly keyChanges: readonly KeyChange[];
  /** The bans in force. */
  readonly bans: readonly BanMessage[];
}

/** A change of the accepted keys. */
export type KeyChange =
  | { readonly kind: "addKeys"; readonly keys: ServerKeys }
  | { readonly kind: "withdrawKeys"; readonly generation: number };

/** How a thread is answered that wants a client. */
export interface Taken {
  readonly kind: "taken";
  /** The number of its question. */
  readonly ask: number;
  readonly client: string;
  /** Whether the client is known; undefined: it has a newer connection. */
  readonly known: boolean | undefined;
  /** Its place in the ledger, if it is the thread's now. */
  readonly slot: number | undefined;
  /** What was known of it elsewhere; undefined if it is here, or new. */
  readonly handover?: Handover | undefined;
}

/** A request of a client has ended, on a thread that does not hold it. */
export interface EndedMessage {
  readonly kind: "ended";
  readonly client: string;
  readonly id: number;
  readonly ending: Ending;
}

/** What a thread is told of that, once the directory knows. */
export interface EndedElsewhere {
  readonly kind: "ended";
  readonly client: string;
  readonly id: number;
  /** Undefined: it was cut off, and is to run again. */
  readonly ending: Ending | undefined;
}

/** Nobody wants a request that runs on a thread that does not hold its client. */
export interface CancelMessage {
  readonly kind: "cancel";
  readonly client: string;
  readonly id: number;
}

/** A thread wants to know what became of a request that another has claimed. */
export interface AskMessage {
  readonly kind: "ask";
  readonly ask: number;
  readonly serial: number;
  readonly owner: number;
}

/** What became of it. */
export interface ToldMessage {
  readonly kind: "told";
  readonly ask: number;
  readonly outcome: Outcome;
}

/** An address is refused for so many ms. */
export interface BanMessage {
  readonly kind: "ban";
  readonly origin: string;
  readonly time: number;
}

/** What a thread is told. */
export type ToThread =
  /** What was noted in a batch is on the disk. */
  | { readonly kind: "safe"; readonly batch: number }
  | ToldMessage
  | {
    readonly kind: "asked";
    readonly question: number;
    readonly serial: number;
  }
  | BanMessage
  | KeyChange
  | Taken
  | { readonly kind: "give"; readonly client: string }
  | EndedElsewhere
  | CancelMessage
  | {
    readonly kind: "disconnect";
    readonly connection: string;
    readonly reason: OfflineReason;
  }
  | { readonly kind: "stop"; readonly grace: number };

/** What a thread tells. */
export type FromThread =
  | {
    readonly kind: "notes";
    readonly batch: number;
    readonly notes: readonly Note[];
  }
  | AskMessage
  | {
    readonly kind: "reply";
    readonly question: number;
    readonly outcome: Outcome;
  }
  | BanMessage
  | { readonly kind: "up"; readonly address: Deno.NetAddr }
  | {
    readonly kind: "failed";
    readonly code: "BAD_OPTION" | "LISTEN_FAILED";
    readonly message: string;
    /** The error behind it, if there is one. */
    readonly cause: Error | undefined;
  }
  | {
    readonly kind: "fetch";
    readonly ask: number;
    readonly client: string;
    readonly ticket: number;
    readonly unlessNew: boolean;
  }
  | {
    readonly kind: "given";
    readonly client: string;
    readonly handover: Handover | undefined;
  }
  | EndedMessage
  | CancelMessage
  | { readonly kind: "forgotten"; readonly client: string }
  | { readonly kind: "report"; readonly events: readonly Event[] }
  | {
    readonly kind: "handlerError";
    readonly error: Error;
    readonly info: HandlerErrorInfo;
  }
  | { readonly kind: "stopped" };

/** What happened on a thread, for the monitor; in order. */
export type Event =
  /** A connection is there, or is not as it was. */
  | { readonly kind: "info"; readonly info: ConnectionInfo }
  | { readonly kind: "gone"; readonly connection: string }
  | {
    readonly kind: "signal";
    readonly signal: NewSignal & { readonly at: number };
  };

/** What a thread notes in the journal: a method of that, and with what. */
export type Note = {
  [K in NoteKind]: {
    readonly kind: K;
    readonly values: Values<Parameters<Journalling[K]>>;
  };
}[NoteKind];

/** The methods that note something. */
type NoteKind = Exclude<keyof Journalling, "load" | "loadTokens" | "close">;

/** A method's parameters but for what is called when the note is safe. */
type Values<P extends readonly unknown[]> = P extends
  [...infer V, (() => void)?] ? V : P;
