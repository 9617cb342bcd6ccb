import { Agent } from "node:http";
import { residentMegabytes, startProcess, type TestProcess } from "../../harness/processes.ts";
import { read, readsPerSecond } from "../read-load.ts";

/** Answers a path `/<bytes>` with so many bytes, and prints its port. */
const server = `
  const piece = Buffer.alloc(65536, "text of a log line\\n");
  require("node:http").createServer(async (request, answer) => {
    let left = Number(request.url.slice(1));
    answer.setHeader("content-length", left);
    for (; left > 0; left -= piece.length)
      if (!answer.write(piece.subarray(0, Math.min(left, piece.length)))) await new Promise((done) => answer.once("drain", done));
    answer.end();
  }).listen(0, "127.0.0.1", function () { console.log("port " + this.address().port); });`;

/** Answers of 20 kB per second to 16 clients: about 50 builds. */
export function bareHttp(ms: number): Promise<number> {
  return withServer((url) => readsPerSecond(new URL("20000", url), { clients: 16, ms }));
}

/** Megabytes per second of one answer. */
export function bareTransfer(megabytes: number): Promise<number> {
  return withServer(async (url) => {
    const agent = new Agent();
    const begin = performance.now();
    await read(new URL(String(megabytes * 1_000_000), url), agent);
    agent.destroy();
    return megabytes / ((performance.now() - begin) / 1000);
  });
}

/** Seconds from the start of a process that does nothing until its end. */
export async function bareProcess(): Promise<number> {
  const begin = performance.now();
  const started = await startNode("0");
  await started.exited;
  return (performance.now() - begin) / 1000;
}

/** Megabytes of a process that only waits. */
export function bareMemory(): Promise<number> {
  return withServer(async (_url, pid) => residentMegabytes(pid));
}

function startNode(script: string): Promise<TestProcess> {
  return startProcess({ name: "bare node", command: process.execPath, args: ["--eval", script] });
}

async function withServer<T>(use: (url: URL, pid: number) => Promise<T>): Promise<T> {
  const bare = await startNode(server);
  try {
    const [, port] = await bare.waitForOutput(/port (\d+)/);
    return await use(new URL(`http://127.0.0.1:${port}/`), bare.pid);
  } finally {
    await bare.stop();
  }
}
