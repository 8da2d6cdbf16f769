import { KEYS, outputOf, type PeerKind } from "../support.ts";
import { callerOf } from "./cypher.ts";

/** The Python peer of the tests; our client asks it on the classic wire. */
export const peer: PeerKind = {
  async version() {
    const python = await pythonCommand();
    const versions = "import platform, cryptography as c; " +
      "print('Python', platform.python_version() + ', cryptography', " +
      "c.__version__)";
    return await outputOf(python!, "-c", versions) ?? "Python";
  },
  serve() {
    throw new Error("It is a program of its own: start that");
  },
  connect: (port) => callerOf({ port, wire: "classic" }),
};

/** How to start it, or undefined where there is no Python for it. */
export async function pythonProgram(): Promise<string[] | undefined> {
  const python = await pythonCommand();
  const script = new URL("../../tests/support/python_peer.py", import.meta.url);
  return python === undefined
    ? undefined
    : [python, script.pathname, "server", "--timeout=600"];
}

/** The keys as it takes them. */
export const PYTHON_ENV = {
  CYPHER_ENCRYPTION_KEY: KEYS.serverToClient,
  CYPHER_DECRYPTION_KEY: KEYS.clientToServer,
};

async function pythonCommand(): Promise<string | undefined> {
  for (const command of ["/usr/bin/python3", "python3"]) {
    const found = await outputOf(command, "-c", "import cryptography.fernet");
    if (found !== undefined) return command;
  }
  return undefined;
}
