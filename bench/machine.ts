import { outputOf } from "./support.ts";

/** What the figures were made on: no names of hosts, users or folders. */
export async function machine(): Promise<string[]> {
  const { deno, v8 } = Deno.version;
  const gib = Deno.systemMemoryInfo().total / 2 ** 30;
  return [
    `${await processor()}, ${navigator.hardwareConcurrency} cores, ` +
    `${gib.toFixed(0)} GiB of memory`,
    `${Deno.build.os} ${Deno.osRelease().split("-")[0]}, ${Deno.build.arch}`,
    `Deno ${deno}, V8 ${v8}`,
  ];
}

/** How many processes wanted a core in the last minute. */
export function load(): string {
  return Deno.loadavg()[0]!.toFixed(1);
}

async function processor(): Promise<string> {
  const lines = await outputOf("lscpu") ?? "";
  return /Model name:\s*(.+)/.exec(lines)?.[1] ?? "unknown processor";
}
