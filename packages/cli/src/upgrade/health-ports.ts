import { get } from "node:http";
import type { LoadedConfig } from "@multimaster/config";

/** A role's candidate ports for `/health` and `/ready`. */
interface HealthPorts {
  /** The role of the masters that listen there; `monitor`: all masters. */
  role: string;
  host: string;
  ports: readonly number[];
}

interface Answer {
  status: number;
  /** The name of the master that answers. */
  master: string | undefined;
  text: string;
}

/** The ports of these roles in the config; a port chosen by the system cannot be known. */
export async function readHealthPorts(config: LoadedConfig, roles: ReadonlySet<string>): Promise<HealthPorts[]> {
  const found: HealthPorts[] = [];
  const { monitor } = config.shared;
  if (monitor) found.push({ role: "monitor", host: monitor.host, ports: monitor.port });
  if (roles.has("ui")) {
    const { host, port } = await config.ui();
    found.push({ role: "ui", host, ports: port });
  }
  if (roles.has("builder-engine")) {
    const { host, port, workers } = await config.workers();
    // Without remote workers an engine opens no port.
    if (workers.some((worker) => !worker.local)) found.push({ role: "builder-engine", host, ports: port });
  }
  return found.filter(({ ports }) => !ports.includes(0));
}

/** Checks a master's `/ready` on its monitor port and on each role's port; returns true, or the first reason why not. */
export async function askReady(
  name: string,
  roles: readonly string[],
  where: readonly HealthPorts[],
): Promise<true | string> {
  for (const { role, host, ports } of where.filter(({ role }) => role === "monitor" || roles.includes(role))) {
    const port = await findPort(name, host, ports);
    if (port === undefined) return `none of the ${role} ports ${ports.join(", ")} answers for it`;
    const answer = await ask(host, port, "/ready");
    if (answer?.status !== 200) return `${role}: ${answer ? answer.text.trim() : `port ${port} does not answer`}`;
  }
  return true;
}

/** Uses `/health`, because a master counts a request for `/ready` as the balancer's check. */
async function findPort(name: string, host: string, ports: readonly number[]): Promise<number | undefined> {
  const answers = await Promise.all(ports.map((port) => ask(host, port, "/health")));
  return ports.find((_, i) => answers[i]?.master === encodeURIComponent(name));
}

function ask(host: string, port: number, path: string): Promise<Answer | undefined> {
  const address = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return new Promise((resolve) => {
    const request = get({ host: address, port, path, agent: false, timeout: 2000 }, (response) => {
      const header = response.headers["x-master"];
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        if (text.length < 500) text += piece;
      });
      response.on("error", () => resolve(undefined));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, master: typeof header === "string" ? header : undefined, text }),
      );
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}
