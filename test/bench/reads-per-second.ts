import { Agent, get } from "node:http";

const clients = 16;
const warmUpMs = 1000;
const measureMs = 3000;

/** How many GETs per second a few clients get answered who ask again immediately, over connections that stay. */
export async function readsPerSecond(url: URL): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const start = performance.now();
  let answers = 0;
  async function ask(): Promise<void> {
    for (let now = 0; now < warmUpMs + measureMs; now = performance.now() - start) {
      await read(url, agent);
      if (performance.now() - start > warmUpMs) answers += 1;
    }
  }
  await Promise.all(Array.from({ length: clients }, ask));
  agent.destroy();
  return answers / (measureMs / 1000);
}

function read(url: URL, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { accept: "application/json" } }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answers ${response.statusCode}`));
      response.resume().once("end", resolve).once("error", reject);
    }).once("error", reject);
  });
}
