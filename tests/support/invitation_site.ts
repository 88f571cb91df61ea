/**
 * Serves the invitation of a user as the port for invitations does.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { AdminWorld } from "./admin_world.ts";

/** A port of 127.0.0.1 that serves the page. */
export class InvitationSite implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Starts the site on a port that the system chooses. */
  static async start(
    world: AdminWorld,
    name: string,
  ): Promise<InvitationSite> {
    const { invite } = await world.json(
      `/api/servers/8388/users/${encodeURIComponent(name)}/uri`,
    );
    const { pathname } = new URL(invite);
    const server = createServer(async (request, response) => {
      const { search } = new URL(request.url!, "http://localhost");
      const answer = await world.ask(`${pathname}${search}`, {
        headers: {
          accept: "text/html",
          "user-agent": request.headers["user-agent"] ?? "Mozilla/5.0",
        },
      });
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(await answer.text());
    });
    await new Promise<void>((resolve) =>
      server.listen(0, "127.0.0.1", resolve)
    );
    return new InvitationSite(server);
  }

  /** URL of the page. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/`;
  }

  /** Stops the site and closes its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
