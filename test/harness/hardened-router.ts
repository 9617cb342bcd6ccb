import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What a test puts in the place of an operator's names and keys. */
export interface HardenedRouter {
  realm: string;
  port: number;
  /** Public keys (hexadecimal) of masters that log in by WAMP-cryptosign, by their authid. */
  keys?: Readonly<Record<string, string>>;
  /** Files of certificate and key: the router then speaks TLS. */
  tls?: { key: string; certificate: string };
}

/** The environment of the router. */
export const routerTickets = {
  master: "ticket of the masters",
  engine: "ticket of the engines",
  ui: "ticket of the uis",
  scheduler: "ticket of the schedulers",
  observer: "ticket of the observers",
} as const;

/** The environment of the router. */
export const routerEnvironment = {
  WAMP_TICKET: routerTickets.master,
  ENGINE_TICKET: routerTickets.engine,
  UI_TICKET: routerTickets.ui,
  SCHEDULER_TICKET: routerTickets.scheduler,
  OBSERVER_TICKET: routerTickets.observer,
} as const;

const config = fileURLToPath(new URL("../../configs/deploy/crossbar/config.yaml", import.meta.url));

/** The router's config of configs/deploy, as an operator would adapt it. */
export function hardenedRouterConfig({ realm, port, keys = {}, tls }: HardenedRouter): string {
  const principals = Object.fromEntries(
    Object.entries(keys).map(([authid, key]) => [authid, { role: "engine", realm, authorized_keys: [key] }]),
  );
  let text = readFileSync(config, "utf8");
  const replace = (old: string, by: string) => {
    if (!text.includes(old)) throw new Error(`the router config of configs/deploy has no "${old}" any more`);
    text = text.replace(old, by);
  };
  replace("- name: buildbot", `- name: ${realm}`);
  replace("port: 8080", `port: ${port}\n          interface: 127.0.0.1`);
  replace("principals: {}", `principals: ${JSON.stringify(principals)}`);
  if (tls) replace("#tls tls: { key: key.pem, certificate: certificate.pem }", `tls: ${JSON.stringify(tls)}`);
  return text;
}
