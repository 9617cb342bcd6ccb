import type { AddressInfo, Server } from "node:net";
import { errors } from "./errors.ts";

/**
 * Listens on the first free port of a list; `what` names the port in the error when none is free. It tries each port by
 * listening, so two masters that start at the same time get different ports.
 */
export async function listenOnFreePort(
  server: Server,
  what: string,
  host: string,
  port: number | readonly number[],
): Promise<AddressInfo> {
  const ports = typeof port === "number" ? [port] : port;
  let taken: unknown;
  for (const candidate of ports) {
    try {
      return await listen(server, host, candidate);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE") throw errors.cannotListen(what, host, candidate, message, { cause: error });
      taken = error;
    }
  }
  const [first = 0] = ports;
  throw ports.length === 1
    ? errors.portInUse(what, host, first, { cause: taken })
    : errors.portsInUse(what, host, ports, { cause: taken });
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onListening = () => {
      server.off("error", onError);
      resolve(server.address() as AddressInfo);
    };
    const onError = (error: Error) => {
      server.off("listening", onListening);
      reject(error);
    };
    server.once("error", onError);
    server.once("listening", onListening);
    server.listen(port, host);
  });
}
