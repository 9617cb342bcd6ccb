import type { Socket } from "node:net";
import { parseProxyHeader } from "./proxy-header.ts";

/** The outcome: the address of the client that the balancer names, or undefined for the balancer's own; or why it is refused. */
export type ProxyArrival =
  | { readonly kind: "arrived"; readonly address: string | undefined }
  | { readonly kind: "refused"; readonly why: string }
  /** The connection ended without a byte, as a balancer's health check does, or in the middle of the header. */
  | { readonly kind: "ended" };

/**
 * Reads the PROXY header from a new connection and leaves what follows in it. The header's own limits bound what is held; the
 * caller bounds the time by destroying the socket.
 */
export function readProxyHeader(socket: Socket): Promise<ProxyArrival> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0);
    const onReadable = (): void => {
      for (let chunk = read(); chunk !== null; chunk = read()) {
        held = Buffer.concat([held, chunk]);
        const header = parseProxyHeader(held);
        if (header.kind === "incomplete") continue;
        if (header.kind === "invalid") return finish({ kind: "refused", why: header.why });
        // Without the listener first: the rest must not be read here.
        const rest = held.subarray(header.length);
        finish({ kind: "arrived", address: header.address });
        if (rest.length > 0) socket.unshift(rest);
        return;
      }
    };
    const onEnd = (): void => finish({ kind: "ended" });
    const finish = (arrival: ProxyArrival): void => {
      socket.off("readable", onReadable).off("end", onEnd).off("close", onEnd);
      resolve(arrival);
    };
    socket.on("readable", onReadable).once("end", onEnd).once("close", onEnd);

    function read(): Buffer | null {
      return socket.read() as Buffer | null;
    }
  });
}
