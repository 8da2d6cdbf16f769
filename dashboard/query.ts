import type { ConnectionRow } from "./contract.ts";

/** The columns that connections can be sorted by. */
const SORTS = [
  "id",
  "name",
  "address",
  "wire",
  "state",
  "since",
  "lastActivity",
  "timeout",
  "requests",
  "failures",
  "bytesIn",
  "bytesOut",
  "inProgress",
  "lastLatency",
  "lastFailure",
] as const;

const STATES = ["handshake", "open", "draining", "closed"] as const;
const PARAMETERS = ["sort", "order", "q", "state", "wire", "page", "limit"];
/** The longest filter text and list. */
const LONGEST = 200;

/** Which connections are asked for. */
export interface ConnectionQuery {
  readonly sort: typeof SORTS[number];
  readonly descending: boolean;
  /** Lower-case part of the name, the address or the id. */
  readonly text: string;
  /** Empty for any. */
  readonly states: readonly string[];
  /** Empty for any. */
  readonly wires: readonly string[];
  /** From 1. */
  readonly page: number;
  /** Connections on a page. */
  readonly limit: number;
}

/** Reads the query of `/api/connections`, or says what is wrong with it. */
export function readQuery(
  parameters: URLSearchParams,
): ConnectionQuery | string {
  for (const name of new Set(parameters.keys())) {
    if (!PARAMETERS.includes(name)) {
      return `There is no parameter "${name.slice(0, 40)}", only ${
        PARAMETERS.join(", ")
      }`;
    }
    const values = parameters.getAll(name);
    if (values.length > 1) return `"${name}" may be given once`;
    if (values[0]!.length > LONGEST) {
      return `"${name}" may have ${LONGEST} characters`;
    }
  }
  const sort = parameters.get("sort") ?? "since";
  if (!isOneOf(SORTS, sort)) return `"sort" must be one of ${list(SORTS)}`;
  const order = parameters.get("order") ?? "asc";
  if (!isOneOf(["asc", "desc"], order)) return '"order" must be asc or desc';
  const states = split(parameters.get("state"));
  if (!states.every((state) => isOneOf(STATES, state))) {
    return `"state" must be some of ${list(STATES)}`;
  }
  const page = whole(parameters.get("page") ?? "1", 1_000_000);
  if (page === undefined) return '"page" must be a whole number from 1';
  const limit = whole(parameters.get("limit") ?? "100", 1_000);
  if (limit === undefined) {
    return '"limit" must be a whole number from 1 to 1000';
  }
  return {
    sort,
    descending: order === "desc",
    text: (parameters.get("q") ?? "").toLowerCase(),
    states,
    wires: split(parameters.get("wire")),
    page,
    limit,
  };
}

/** The page that was asked for, and how many connections fit in all. */
export function applyQuery(
  rows: readonly ConnectionRow[],
  query: ConnectionQuery,
): { total: number; connections: ConnectionRow[] } {
  const { text, states, wires, sort, descending, page, limit } = query;
  const fitting = rows.filter((row) =>
    (states.length === 0 || states.includes(row.state.kind)) &&
    (wires.length === 0 || wires.includes(row.wire)) &&
    (text === "" || includes(row.name ?? "", text) ||
      includes(row.address, text) || includes(row.id, text))
  );
  const sign = descending ? -1 : 1;
  fitting.sort((a, b) => compare(keyOf(a, sort), keyOf(b, sort), sign));
  const start = (page - 1) * limit;
  return {
    total: fitting.length,
    connections: fitting.slice(start, start + limit),
  };
}

type Key = string | number | null;

function keyOf(row: ConnectionRow, sort: ConnectionQuery["sort"]): Key {
  if (sort === "state") return row.state.kind;
  // Ids count up, on each thread: as text, 10 would come before 9.
  if (sort === "id") return row.id.replace(/\d+/g, (n) => n.padStart(16, "0"));
  return row[sort] ?? null;
}

/** What is not known comes last in either order. */
function compare(a: Key, b: Key, sign: number): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -sign : sign;
}

function includes(value: string, text: string): boolean {
  return value.toLowerCase().includes(text);
}

function split(value: string | null): string[] {
  return value ? value.split(",") : [];
}

function whole(value: string, max: number): number | undefined {
  const number = /^\d{1,7}$/.test(value) ? Number(value) : 0;
  return number >= 1 && number <= max ? number : undefined;
}

function isOneOf<T extends string>(
  values: readonly T[],
  value: string,
): value is T {
  return (values as readonly string[]).includes(value);
}

function list(values: readonly string[]): string {
  return values.join(", ");
}
