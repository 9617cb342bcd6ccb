import { connect, createServer, type Socket } from "node:net";
import { onCleanup } from "../../harness/cleanup.ts";
import { freePort } from "../../harness/ports.ts";

/** A line to a server of 127.0.0.1 that a test can silence and cut; who calls again gets through. */
export interface CuttableLine {
  readonly port: number;
  /** Answers do not come through any more; questions do. */
  silence(): void;
  /** Ends all connections, at both ends. */
  cut(): void;
}

export async function openLine(serverPort: number): Promise<CuttableLine> {
  const lines = new Set<{ client: Socket; server: Socket }>();
  const listener = createServer((client) => {
    const server = connect(serverPort, "127.0.0.1");
    const line = { client, server };
    lines.add(line);
    client.pipe(server);
    server.pipe(client);
    for (const end of [client, server]) {
      end.on("error", () => {});
      end.on("close", () => {
        lines.delete(line);
        client.destroy();
        server.destroy();
      });
    }
  });
  const port = await freePort();
  await new Promise<void>((resolve) => listener.listen(port, "127.0.0.1", resolve));
  const cut = () => {
    for (const { client, server } of lines) {
      client.destroy();
      server.destroy();
    }
  };
  onCleanup(() => {
    cut();
    listener.close();
  });
  return {
    port,
    silence() {
      for (const { client, server } of lines) {
        server.unpipe(client);
        server.resume();
      }
    },
    cut,
  };
}
