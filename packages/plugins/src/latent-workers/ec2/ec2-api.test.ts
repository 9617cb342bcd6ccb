import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { Ec2Api } from "./ec2-api.ts";

interface Answer {
  readonly status: number;
  readonly xml: string;
}

/** A cloud that gives these answers, the last one again and again; returns also what it was asked. */
async function startCloud(...answers: Answer[]) {
  const asked: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    asked.push(new URLSearchParams(text));
    const { status, xml } = answers[Math.min(asked.length, answers.length) - 1] as Answer;
    response.writeHead(status).end(xml.replaceAll("Action", String(asked.at(-1)?.get("Action"))));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = { accessKeyId: "a", secretAccessKey: "b" };
  const { signal } = new AbortController();
  return { api: new Ec2Api({ endpoint, region: "r", keys, timeoutMs: 60_000, signal }), asked };
}

const refuse = (status: number, code: string, message: string): Answer => ({
  status,
  xml: `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors></Response>`,
});
const item = (id: string, more = "") => `<item><instanceId>${id}</instanceId>${more}</item>`;
const list = (items: string, more = ""): Answer => ({
  status: 200,
  xml: `<ActionResponse><reservationSet><item><instancesSet>${items}</instancesSet></item></reservationSet>${more}</ActionResponse>`,
});
const started: Answer = {
  status: 200,
  xml: `<ActionResponse><instancesSet>${item("i-1")}</instancesSet></ActionResponse>`,
};

it.each([
  [503, "RequestLimitExceeded"],
  [400, "Throttling"],
  [500, "InternalError"],
])("waits and asks again with the same client token after %i %s", async (status, code) => {
  const { api, asked } = await startCloud(refuse(status, code, "slower"), started);
  expect(await api.run({ ClientToken: "t" })).toBe("i-1");
  expect(asked.map((one) => one.get("ClientToken"))).toEqual(["t", "t"]);
});

it.each([
  [
    "InsufficientInstanceCapacity",
    "There is no Spot capacity available.",
    /^EC2 refuses RunInstances \(\w+\): There is no Spot capacity available\.$/,
  ],
  [
    "RequestExpired",
    "Request has expired.",
    /: Request has expired\. \[renew sessionToken, or set this machine's clock\]$/,
  ],
  [
    "UnauthorizedOperation",
    `You are not authorized. Encoded authorization failure message: ${"x".repeat(900)}`,
    /authorized\. \[docs\/latent-workers\.md lists the actions that the keys must allow\]$/,
  ],
])("asks once when it is refused with %s, and says so in a sentence", async (code, message, sentence) => {
  const { api, asked } = await startCloud(refuse(400, code, message));
  await expect(api.run({})).rejects.toThrow(sentence);
  expect(asked).toHaveLength(1);
});

it("reads all pages, leaves out what has no id, and ends with a list that has no end", async () => {
  const { api, asked } = await startCloud(
    list(item("i-1"), "<nextToken>p2</nextToken>"),
    list(`${item("")}${item("i-2", "<tagSet><item><key>a</key><value>b</value></item></tagSet>")}`),
  );
  expect(await api.list({})).toMatchObject([
    { id: "i-1", tags: {} },
    { id: "i-2", tags: { a: "b" } },
  ]);
  expect(asked.map((one) => one.get("NextToken"))).toEqual([null, "p2"]);
  const endless = await startCloud(list("", "<nextToken>again</nextToken>"));
  await expect(endless.api.list({})).rejects.toThrow("the list of instances has no end");
  expect(endless.asked).toHaveLength(100);
});

it("reads how an instance ended, and that there is none", async () => {
  const state = "<instanceState><name>terminated</name></instanceState>";
  const reason = "<stateReason><message>Server.SpotInstanceTermination: gone</message></stateReason>";
  const { api } = await startCloud(list(item("i-1", state + reason)));
  expect(await api.read("i-1")).toMatchObject({
    state: "terminated",
    reason: "Server.SpotInstanceTermination: gone",
  });
  const without = await startCloud(refuse(400, "InvalidInstanceID.NotFound", "none"));
  expect(await without.api.read("i-1")).toBeUndefined();
});
