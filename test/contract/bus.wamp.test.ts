import { createBus, type WampBusOptions } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { expect, it } from "vitest";
import { startCrossbar, type TestCrossbar } from "../harness/crossbar.ts";
import { waitFor } from "../harness/wait-for.ts";
import { joinRealm } from "../harness/wamp-client.ts";
import { describeBusContract } from "./bus.contract.ts";

let crossbar: TestCrossbar;
let options: WampBusOptions;

describeBusContract("wamp", async () => {
  crossbar = await startCrossbar();
  options = { kind: "wamp", router: crossbar.url, realm: crossbar.realm, pingMs: 500 };
  return {
    createBus: (log) => createBus(options, log),
    createMutedBus: () => createBus({ ...options, mute: true }, silentLog),
    reportsLeaving: true,
    router: {
      kill: () => crossbar.kill(),
      restart: () => crossbar.start(),
      freeze: () => crossbar.freeze(),
      thaw: () => crossbar.thaw(),
      dropConnections: killSessions,
    },
  };
});

it("speaks to other WAMP clients as Buildbot's masters do: one positional argument, no keyword arguments", async () => {
  const bus = createBus(options, silentLog);
  await bus.start();
  const other = await joinRealm(crossbar.url, { realm: crossbar.realm });
  const heard: unknown[] = [];
  await bus.subscribe(["builds", null, "finished"], (message) => void heard.push(message));
  await bus.subscribe(["buildrequests", "8", "cancel"], (message) => void heard.push(message));

  await other.ask([32, 1, { match: "prefix" }, "org.buildbot.mq."]);
  bus.publish(["builds", "5", "new"], { buildid: 5, properties: {} });
  const event = await waitFor(() => other.received.find((message) => message[0] === 36), { what: "the event" });
  expect(event.slice(3)).toEqual([{ topic: "org.buildbot.mq.builds.5.new" }, [{ buildid: 5, properties: {} }]]);

  await other.ask([16, 2, { acknowledge: true }, "org.buildbot.mq.builds.7.finished", [{ buildid: 7 }]]);
  await other.ask([16, 3, { acknowledge: true }, "org.buildbot.mq.buildrequests.8.cancel", [null]]);
  await other.ask([16, 4, { acknowledge: true }, "org.buildbot.mq.builds.9.finished"]);
  await waitFor(() => heard.length === 3, { what: "the events of the other client" });
  expect(heard).toEqual([
    { key: ["builds", "7", "finished"], payload: { buildid: 7 } },
    { key: ["buildrequests", "8", "cancel"], payload: null },
    { key: ["builds", "9", "finished"], payload: null },
  ]);
  other.close();
  await bus.stop();
});

it("says why when the router refuses the realm, and keeps trying", async () => {
  const warnings: { reason: string }[] = [];
  const log = Object.assign(silentLog.child({}), { warn: (fields: { reason: string }) => warnings.push(fields) });
  const bus = createBus({ ...options, realm: "elsewhere" }, log);
  await bus.start();
  expect(bus.state).toBe("degraded");
  expect(warnings[0]?.reason).toContain("wamp.error.no_such_realm");
  await bus.stop();
});

it("works with a router that does not report who leaves: no hints, no error", async () => {
  const mute = await startCrossbar({ metaApi: false });
  const errors: unknown[] = [];
  const note = (...line: unknown[]) => errors.push(line);
  const log = Object.assign(silentLog.child({}), { warn: note, error: note });
  const [here, there] = [
    createBus({ ...options, router: mute.url }, log),
    createBus({ ...options, router: mute.url }, log),
  ];
  await here.start();
  await there.start();
  const left: string[] = [];
  here.onPeerLeft((session) => left.push(session));
  const inbox: unknown[] = [];
  await here.subscribe(["a"], (message) => void inbox.push(message.payload));
  there.publish(["a"], 1);
  await there.stop();
  await waitFor(() => inbox.length === 1, { what: "the message" });
  await here.stop();
  expect(left).toEqual([]);
  expect(errors).toEqual([]);
});

it("refuses a router URL that is none, with a sentence", () => {
  expect(() => createBus({ ...options, router: "http://127.0.0.1:8080/" }, silentLog)).toThrow(
    "is not the URL of a message router",
  );
});

/** A goodbye from the router to everybody: after it autobahn itself would never come back. */
async function killSessions(): Promise<void> {
  const other = await joinRealm(crossbar.url, { realm: crossbar.realm });
  const [, , , [sessions]] = (await other.ask([48, 1, {}, "wamp.session.list"])) as [
    number,
    number,
    object,
    [number[]],
  ];
  let request = 1;
  for (const session of sessions) {
    if (session !== other.session) await other.ask([48, ++request, {}, "wamp.session.kill", [session]]);
  }
  other.close();
}
