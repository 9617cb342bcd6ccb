import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";

/**
 * Serves a request that offers to upgrade to a protocol other than WebSocket, as some clients do with HTTP/2, as if it had
 * offered nothing. Node has stopped reading HTTP on such a connection, so this starts it again without the offer.
 */
export function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const [name, value] = [request.rawHeaders[i] as string, request.rawHeaders[i + 1] as string];
    const kept = name.toLowerCase() === "connection" ? withoutUpgrade(value) : value;
    if (name.toLowerCase() !== "upgrade" && kept !== "") lines.push(`${name}: ${kept}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit("connection", socket);
}

function withoutUpgrade(options: string): string {
  const kept = options.split(",").map((option) => option.trim());
  return kept.filter((option) => !["upgrade", "http2-settings"].includes(option.toLowerCase())).join(", ");
}
