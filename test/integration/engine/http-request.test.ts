import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { clusterConfig } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { queryRows } from "@multimaster/database";
import addSteps from "@multimaster/plugins/steps/add-steps";
import httpRequest from "@multimaster/plugins/steps/http-request";
import { expect, it } from "vitest";
import { endAfterTest, startEngine } from "../../harness/engine.ts";

/** Answers with the login that it got, and the body. */
const startEcho = () =>
  listen(async (request, answer) => {
    let body = "";
    for await (const block of request) body += block;
    answer.end(`${Buffer.from((request.headers.authorization ?? "").slice(6), "base64")} ${body}`);
  });

/** Returns the host and port of a server that ends with the test. */
async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endAfterTest(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("a login in an address is sent as basic authentication, and is shown nowhere", async () => {
  const host = await startEcho();
  const url = `http://ann:p%40ss-w0rd@${host}/`;
  const { url: pages } = clusterConfig.parse({ name: "x", database: "sqlite:x", url: "https://ci.example.org/" });
  let got = "";
  const ask = httpRequest({
    url,
    method: "POST",
    body: (b) => b.build.url ?? "no address",
    property: "answer",
    extract: ({ body }) => {
      got = body;
      return {};
    },
  });
  const both = httpRequest({ name: "both", url, headers: { Authorization: "Bearer x" } });
  const engine = await startEngine({ b: [addSteps({ steps: [ask, both] })] }, { shared: { url: pages } });
  const [build] = await engine.finished(await engine.submit("b"));
  const buildid = build?.buildid as number;
  // The address of the build begins with what the config says.
  expect(got).toBe("ann:p@ss-w0rd https://ci.example.org/#/builders/1/builds/1");
  const steps = (await engine.stepsOf(buildid)).slice(2);
  expect(steps.map(({ results, state_string }) => [results, state_string])).toEqual([
    [Results.SUCCESS, `POST ${host}: 200`],
    [Results.FAILURE, `GET ${host} (both the url and the headers have a login)`],
  ]);
  const log = await engine.logText(steps[0]?.stepid as number, "stdio");
  expect(log).toContain(`POST http://${host}/`);
  const added = await queryRows(engine.database, "select * from mm_added_steps");
  const shown = [log, JSON.stringify([added, await engine.properties(buildid), build, steps])].join("\n");
  expect(shown).toContain("ann:<password>");
  expect(shown).not.toMatch(/ss-w0rd|YW5u/);
});

it("an answer that trickles ends at the time limit, also when memory is collected meanwhile", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const bytes = 60;
  let sent = 0;
  const host = await listen((_request, answer) => {
    const timer = setInterval(() => {
      collect();
      sent += 1;
      if (sent < bytes) answer.write("x");
      else answer.end("x");
    }, 50);
    answer.on("close", () => clearInterval(timer));
  });
  const engine = await startEngine({ b: [httpRequest({ url: `http://${host}/`, timeout: "1s" })] });
  const [build] = await engine.finished(await engine.submit("b"));
  const step = (await engine.stepsOf(build?.buildid as number)).at(-1);
  expect([step?.results, step?.state_string]).toEqual([
    Results.FAILURE,
    `GET ${host} (no complete answer in time (timeout))`,
  ]);
  expect(sent).toBeLessThan(bytes);
});
