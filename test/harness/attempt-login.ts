import { formatBasicAuth } from "@multimaster/wire";
import { WebSocket } from "ws";

/** The status with which a worker port answers one login; 101: it lets the worker in, which leaves then. */
export function attemptLogin(port: number, name: string, password: string): Promise<number> {
  return new Promise((resolve) => {
    const headers = { Authorization: formatBasicAuth(name, password) };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
    socket.on("error", () => undefined);
    socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
    socket.once("open", () => {
      socket.terminate();
      resolve(101);
    });
  });
}
