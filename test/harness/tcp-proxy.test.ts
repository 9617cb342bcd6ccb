import { connect, createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { onCleanup } from "./cleanup.ts";
import { isListening } from "./ports.ts";
import { startTcpProxy } from "./tcp-proxy.ts";
import { waitFor } from "./wait-for.ts";

/** Answers each line with the same line, in capitals, and keeps what it heard. */
async function startEcho() {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (data) => {
      heard.push(data.toString());
      socket.write(data.toString().toUpperCase());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onCleanup(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, heard: () => heard.join(""), sockets };
}

function dial(port: number) {
  let text = "";
  let closed: "no" | "ended" | "reset" = "no";
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("data", (data) => {
    text += data.toString();
  });
  socket.on("error", () => {
    closed = "reset";
  });
  socket.on("close", () => {
    if (closed === "no") closed = "ended";
  });
  onCleanup(() => void socket.destroy());
  return {
    say: (line: string) => void socket.write(line),
    end: () => socket.end(),
    heard: () => text,
    closed: () => closed,
  };
}

async function startPair() {
  const echo = await startEcho();
  const proxy = await startTcpProxy({ target: echo.port });
  return { echo, proxy };
}

const soon = (what: string, condition: () => boolean) => waitFor(condition, { what });

it("passes bytes both ways, counts them, and passes on the end of a connection", async () => {
  const { echo, proxy } = await startPair();
  const client = dial(proxy.port);
  client.say("one\n");
  await soon("the answer", () => client.heard() === "ONE\n");
  expect(proxy.counters).toMatchObject({ accepted: 1, open: 1, toTarget: 4, toClient: 4 });
  client.end();
  await soon("the end to arrive on both sides", () => client.closed() === "ended" && echo.sockets.size === 0);
  await soon("the connection to be forgotten", () => proxy.counters.open === 0);
  expect(proxy.counters).toMatchObject({ accepted: 1, toTarget: 4, toClient: 4 });
});

it("leads any URL through itself", async () => {
  const proxy = await startTcpProxy({ target: "postgresql://me:secret@127.0.0.1:5432/db" });
  expect(proxy.url("postgresql://me:secret@127.0.0.1:5432/db?x=1")).toBe(
    `postgresql://me:secret@127.0.0.1:${proxy.port}/db?x=1`,
  );
  expect(proxy.url("ws://127.0.0.1:9/ws")).toBe(`ws://127.0.0.1:${proxy.port}/ws`);
});

it("cuts connections with a reset on both sides, and accepts new ones", async () => {
  const { echo, proxy } = await startPair();
  const client = dial(proxy.port);
  client.say("one\n");
  await soon("the answer", () => client.heard() === "ONE\n");
  proxy.cut();
  await soon("the reset", () => client.closed() === "reset" && echo.sockets.size === 0);
  const next = dial(proxy.port);
  next.say("two\n");
  await soon("the answer", () => next.heard() === "TWO\n");
});

it("stalls and resumes: half-open connections lose nothing, and notice no end", async () => {
  const { echo, proxy } = await startPair();
  const client = dial(proxy.port);
  client.say("one\n");
  await soon("the answer", () => client.heard() === "ONE\n");
  proxy.stall();
  client.say("two\n");
  client.end();
  const direct = dial(echo.port);
  direct.say("past the proxy\n");
  await soon("the answer that did not pass the proxy", () => direct.heard() !== "");
  expect(echo.heard()).not.toContain("two");
  expect(echo.sockets.size).toBe(2);
  proxy.resume();
  await soon("what was held back", () => client.heard() === "ONE\nTWO\n" && client.closed() === "ended");
});

it("stalls one direction only", async () => {
  const { echo, proxy } = await startPair();
  proxy.stall("toClient");
  const client = dial(proxy.port);
  client.say("one\n");
  await soon("the target to hear it", () => echo.heard() === "one\n");
  await waitFor(() => proxy.counters.toTarget === 4, { what: "the bytes to be counted" });
  expect(client.heard()).toBe("");
  proxy.resume("toClient");
  await soon("the answer", () => client.heard() === "ONE\n");
});

it("refuses connections and accepts them again, while open ones stay", async () => {
  const { proxy } = await startPair();
  const client = dial(proxy.port);
  client.say("one\n");
  await soon("the answer", () => client.heard() === "ONE\n");
  await proxy.refuse();
  expect(await isListening(proxy.port)).toBe(false);
  client.say("two\n");
  await soon("the answer", () => client.heard() === "ONE\nTWO\n");
  await proxy.accept();
  expect(await isListening(proxy.port)).toBe(true);
});

it("cuts one side only: the other keeps its connection and hears nothing", async () => {
  const { echo, proxy } = await startPair();
  const client = dial(proxy.port);
  client.say("one\n");
  await soon("the answer", () => client.heard() === "ONE\n");
  proxy.cut("client");
  await soon("the reset", () => client.closed() === "reset");
  const other = await startEcho();
  proxy.retarget(other.port);
  const next = dial(proxy.port);
  next.say("two\n");
  await soon("the answer of the other target", () => next.heard() === "TWO\n" && other.heard() === "two\n");
  expect(echo.sockets.size).toBe(1);
  proxy.cut("target");
  await soon("the rest of it to go", () => echo.sockets.size === 0);
  expect(next.closed()).toBe("no");
});

it("delays without reordering", async () => {
  const { proxy } = await startPair();
  const client = dial(proxy.port);
  proxy.delay(200);
  client.say("one\n");
  await waitFor(() => proxy.counters.accepted === 1, { what: "the connection" });
  proxy.delay(0);
  client.say("two\n");
  await soon("both answers", () => client.heard() === "ONE\nTWO\n");
});

it("lets a request through and keeps the answer, until it is cut or released", async () => {
  const { echo, proxy } = await startPair();
  const held = proxy.holdAfter(/commit/);
  const [other, client] = [dial(proxy.port), dial(proxy.port)];
  client.say("comm");
  await soon("the first half's answer", () => client.heard() === "COMM");
  client.say("it\n");
  await held.triggered;
  await held.answered;
  expect(echo.heard()).toContain("it\n");
  expect(client.heard()).toBe("COMM");
  other.say("commit\n");
  await soon("another connection's answer", () => other.heard() === "COMMIT\n");
  held.release();
  await soon("the answer", () => client.heard() === "COMMIT\n");

  const again = proxy.holdAfter("commit");
  client.say("commit\n");
  await again.answered;
  again.cut();
  await soon("the reset", () => client.closed() === "reset");
  expect(client.heard()).toBe("COMMIT\n");
});

it("counts bytes as a trigger", async () => {
  const { proxy } = await startPair();
  const held = proxy.holdAfter(6, "toTarget");
  const client = dial(proxy.port);
  client.say("one\n");
  await soon("the answer", () => client.heard() === "ONE\n");
  client.say("two\n");
  await held.answered;
  expect(client.heard()).toBe("ONE\n");
});
