import { Agent, get } from "node:http";
import { percentile } from "../harness/figures.ts";

export interface ReadOptions {
  /** Each asks again as soon as it is answered. Each has an address of its own, because limits are per address. */
  readonly clients: number;
  readonly ms: number;
}

/** How many GETs per second are answered, over connections that stay. */
export async function readsPerSecond(url: URL, { clients, ms }: ReadOptions): Promise<number> {
  const warmUpMs = ms / 3;
  let answers = 0;
  const start = performance.now();
  async function ask(client: number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const localAddress = `127.0.0.${client + 2}`;
    for (let now = 0; now < warmUpMs + ms; now = performance.now() - start) {
      await read(url, agent, localAddress);
      const ended = performance.now() - start;
      if (ended > warmUpMs && ended <= warmUpMs + ms) answers += 1;
    }
    agent.destroy();
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => ask(client)));
  return answers / (ms / 1000);
}

/** The time that 99 of 100 GETs stay below while one is sent every 50 ms, whether the last one is answered or not. */
export async function slowestReadMs(url: URL, ms: number): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const asked: Promise<number>[] = [];
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const begin = performance.now();
    asked.push(read(url, agent).then(() => performance.now() - begin));
    await new Promise((done) => setTimeout(done, 50));
  }
  const times = await Promise.all(asked);
  agent.destroy();
  return percentile(times, 0.99);
}

/** The bytes that one GET brings. */
export function read(url: URL, agent: Agent, localAddress?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    // As programs ask; browsers and terminals get indented text.
    const headers = { accept: "application/json" };
    get(url, { agent, headers, ...(localAddress !== undefined && { localAddress }) }, (response) => {
      let bytes = 0;
      if (response.statusCode !== 200) reject(new Error(`${url} answers ${response.statusCode}`));
      response.on("data", (piece: Buffer) => void (bytes += piece.length));
      response.once("end", () => resolve(bytes)).once("error", reject);
    }).once("error", reject);
  });
}
