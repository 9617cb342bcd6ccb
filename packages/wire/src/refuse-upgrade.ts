import type { Duplex } from "node:stream";

const statusTexts: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  408: "Request Timeout",
  429: "Too Many Requests",
  503: "Service Unavailable",
};

/** Answers without a body and closes. Workers treat every refusal alike, balancers distinguish 503 from 401. */
export function refuseUpgrade(socket: Duplex, status: number, reason?: string): void {
  const lines = [
    `HTTP/1.1 ${status} ${statusTexts[status] ?? "Error"}`,
    "Content-Length: 0",
    "Connection: close",
    ...(status === 429 ? ["Retry-After: 5"] : []),
    ...(status === 401 ? ['WWW-Authenticate: Basic realm="worker"'] : []),
    ...(reason === undefined ? [] : [`X-Reason: ${reason}`]),
  ];
  socket.once("finish", () => socket.destroy());
  socket.end(`${lines.join("\r\n")}\r\n\r\n`);
}
