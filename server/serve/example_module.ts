import { exampleHandler } from "../example.ts";
import type { Handler } from "../handler.ts";

/** The example's handler, for threads: each of them imports it for itself. */
const handler: Handler = exampleHandler(new BroadcastChannel("cypher example"));
export default handler;
