/** A server, its dashboard, and clients with names, for tests of the page. */
import {
  type DashboardServer,
  serveDashboard,
  type ServeDashboardOptions,
} from "../../dashboard/mod.ts";
import {
  type CypherClient,
  type CypherServer,
  type CypherServerOptions,
  CypherStatus,
  type Handler,
} from "../../mod.ts";
import { makeClient, startServer } from "./cypher.ts";

/** How a {@linkcode Scene} is made. */
export interface SceneOptions {
  readonly server?: Partial<CypherServerOptions>;
  readonly dashboard?: ServeDashboardOptions;
  readonly handler?: Handler;
}

/** Answers with what was sent; what goes to /FAIL fails with it. */
const echo: Handler = ({ path, data }) => {
  if (path === "/FAIL") throw new CypherStatus("NOT_FOUND", String(data));
  return { data };
};

export class Scene implements AsyncDisposable {
  readonly #clients: CypherClient[] = [];

  private constructor(
    readonly server: CypherServer,
    readonly sidecar: DashboardServer,
  ) {}

  static async start(
    { server, dashboard, handler = echo }: SceneOptions = {},
  ): Promise<Scene> {
    const made = await startServer(handler, {
      wires: ["session", "classic"],
      ...server,
    });
    const sidecar = serveDashboard(made.monitor, {
      port: 0,
      name: "press hall",
      ...dashboard,
    });
    return new Scene(made, sidecar);
  }

  /** A client; without requests it is not connected. */
  client(
    name: string,
    wire: "session" | "classic" = "session",
  ): CypherClient {
    const client = makeClient(this.server.address, {
      wire,
      ...(wire === "session" && { name }),
    });
    this.#clients.push(client);
    return client;
  }

  /** Clients that have made so many requests each, in the order of names. */
  async clients(
    requests: Readonly<Record<string, number>>,
  ): Promise<CypherClient[]> {
    const made: CypherClient[] = [];
    for (const [name, count] of Object.entries(requests)) {
      const client = this.client(name);
      for (let i = 0; i < count; i++) {
        await client.request({ path: "/ECHO", operation: "READ", data: i });
      }
      made.push(client);
    }
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.sidecar.close();
    await this.server.stop({ grace: 0 });
  }
}
