/** An address at which a program of this machine finds the port. */
export function nameReachable(host: string): string {
  return host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
}
