/** Who may import whom (CONTRIBUTING.md, "Where things are"). */

import { assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);
const LAYERS = ["protocol", "server", "client"];

/** What a file's line imports when it runs: types are gone by then. */
const RUNTIME_IMPORT =
  /^(?:import|export) (?!type )[^;]*?from "(\.{1,2}\/[^"]+)";/gm;
const ANY_IMPORT = /(?:from|import) "(\.{1,2}\/[^"]+)";/g;

/** The TypeScript files of a folder, as paths from the top. */
async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isFile } of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}/${name}`;
    if (!isFile) yield* filesIn(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

/** What each file of the layers imports, as paths from the top. */
async function importsBy(pattern: RegExp): Promise<Map<string, string[]>> {
  const imports = new Map<string, string[]>();
  for (const layer of LAYERS) {
    for await (const file of filesIn(layer)) {
      const text = await Deno.readTextFile(new URL(file, ROOT));
      const found = [...text.matchAll(pattern)].map(([, specifier]) =>
        new URL(specifier!, new URL(file, ROOT)).href.slice(ROOT.href.length)
      );
      imports.set(file, found);
    }
  }
  return imports;
}

Deno.test("client and server import protocol, never each other", async () => {
  const allowed: Record<string, string[]> = {
    protocol: ["protocol"],
    client: ["client", "protocol", "deno.json"],
    // The commands put the server and the dashboard together.
    server: ["server", "protocol", "deno.json", "dashboard"],
  };
  const wrong: string[] = [];
  let count = 0;
  for (const [file, imports] of await importsBy(ANY_IMPORT)) {
    for (const imported of imports) {
      count++;
      const [from, to] = [file, imported].map((path) => path.split("/")[0]!);
      if (!allowed[from!]!.includes(to!)) wrong.push(`${file}: ${imported}`);
    }
  }
  assertEquals(wrong, []);
  assertEquals(count > 500, true, `${count} imports were found`);
});

Deno.test("no file waits for itself to be loaded", async () => {
  const imports = await importsBy(RUNTIME_IMPORT);
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return undefined;
  };
  const cycles = [...imports.keys()].map((file) => visit(file, []));
  assertEquals(cycles.filter((cycle) => cycle !== undefined), []);
});
