import type { Bus, Pattern } from "@multimaster/bus";
import { type Json, silentLog } from "@multimaster/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../harness/wait-for.ts";
import { listen } from "./bus-inbox.ts";
import { type BusWorld, describeRouterLoss } from "./bus-router-loss.contract.ts";

/** Every bus keeps these promises (packages/bus/src/contract.ts says what they are for). */
export function describeBusContract(name: string, setUp: () => Promise<BusWorld>): void {
  describe(`a bus: ${name}`, () => {
    let world: BusWorld;
    let here: Bus;
    let there: Bus;
    let topics = 0;

    beforeAll(async () => {
      world = await setUp();
      here = world.createBus(silentLog);
      there = world.createBus(silentLog);
      await here.start();
      await there.start();
      await waitFor(() => here.state === "connected" && there.state === "connected", {
        what: "both buses to be connected",
      });
    });

    afterAll(async () => {
      await here?.stop();
      await there?.stop();
    });

    /** A first part that no other test uses. */
    const newTopic = (): string => `things${++topics}`;

    it("brings a message to the subscriber of exactly its topic", async () => {
      const topic = newTopic();
      const inbox = await listen(there, [topic, "5", "finished"]);
      here.publish([topic, "6", "finished"], { id: 6 });
      here.publish([topic, "5", "new"], { id: 5, event: "new" });
      here.publish([topic, "5", "finished"], { id: 5, event: "finished" });
      await inbox.count(1);
      expect(inbox.messages).toEqual([{ key: [topic, "5", "finished"], payload: { id: 5, event: "finished" } }]);
    });

    it("lets null stand for exactly one part", async () => {
      const topic = newTopic();
      const inbox = await listen(there, [topic, null, "new"]);
      const twice = await listen(there, [topic, null, "builds", null, "new"]);
      here.publish([topic, "new"], 0);
      here.publish([topic, "1", "2", "new"], 0);
      here.publish([topic, "1", "finished"], 0);
      here.publish([topic, "1", "builds", "2", "new"], { wide: true });
      here.publish([topic, "7", "new"], { id: 7 });
      await inbox.count(1);
      await twice.count(1);
      expect(inbox.messages).toEqual([{ key: [topic, "7", "new"], payload: { id: 7 } }]);
      expect(twice.messages).toEqual([{ key: [topic, "1", "builds", "2", "new"], payload: { wide: true } }]);
    });

    it("keeps the order of a publisher's messages whatever their sizes", async () => {
      const topic = newTopic();
      const far = await listen(there, [topic, "1", null]);
      const near = await listen(here, [topic, "1", null]);
      const numbers = Array.from({ length: 500 }, (_, n) => n);
      for (const n of numbers) here.publish([topic, "1", "update"], { n, filling: "x".repeat((n * n * 37) % 20_000) });
      await far.count(500);
      await near.count(500);
      expect(far.payloads().map(numberIn)).toEqual(numbers);
      expect(near.payloads().map(numberIn)).toEqual(numbers);
    });

    it("delivers a message to each subscriber once, also where patterns overlap", async () => {
      const topic = newTopic();
      const patterns: Pattern[] = [
        [topic, "1", "new"],
        [topic, "1", "new"],
        [topic, null, "new"],
        [topic, "1", null],
        [topic, null, null],
      ];
      const inboxes = await Promise.all(patterns.flatMap((pattern) => [listen(there, pattern), listen(here, pattern)]));
      const end = await listen(there, [topic, "end"]);
      here.publish([topic, "1", "new"], { id: 1 });
      here.publish([topic, "end"], null);
      await end.count(1);
      for (const inbox of inboxes) expect(inbox.payloads()).toEqual([{ id: 1 }]);
    });

    it("brings a publisher its own messages, once", async () => {
      const topic = newTopic();
      const inbox = await listen(here, [topic, null]);
      const far = await listen(there, [topic, null]);
      here.publish([topic, "1"], { id: 1 });
      here.publish([topic, "2"], { id: 2 });
      await far.count(2);
      // What the other side sends comes after anything the router might still return to us.
      there.publish([topic, "3"], { id: 3 });
      await inbox.count(3);
      expect(inbox.payloads()).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    });

    it("calls no one who has unsubscribed, and goes on for the others of the same topic", async () => {
      const topic = newTopic();
      const leaving = await listen(there, [topic, null]);
      const staying = await listen(there, [topic, null]);
      here.publish([topic, "1"], 1);
      await leaving.count(1);
      await leaving.subscription.unsubscribe();
      await leaving.subscription.unsubscribe();
      here.publish([topic, "2"], 2);
      await staying.count(2);
      expect(leaving.payloads()).toEqual([1]);
    });

    it("takes a subscription made immediately after the same one was ended", async () => {
      const topic = newTopic();
      const first = await listen(there, [topic, null]);
      const ended = first.subscription.unsubscribe();
      const second = await listen(there, [topic, null]);
      await ended;
      here.publish([topic, "1"], 1);
      await second.count(1);
      expect(first.payloads()).toEqual([]);
    });

    it("replaces a payload of 17 MB by its ids, and no one is disconnected", async () => {
      const topic = newTopic();
      const far = await listen(there, [topic, null, "update"]);
      const near = await listen(here, [topic, null, "update"]);
      const states: string[] = [];
      const forget = [here, there].map((bus) => bus.onState((state) => states.push(state)));
      const big = "x".repeat(17 * 1024 * 1024);
      here.publish([topic, "1", "update"], {
        buildid: 1,
        builderid: null,
        complete: false,
        name: "big",
        properties: { big: [big, "Step"] },
      });
      here.publish([topic, "2", "update"], [big]);
      here.publish([topic, "3", "update"], { buildid: 3 });
      await far.count(3);
      const expected = [
        { buildid: 1, builderid: null, complete: false, name: "big", truncated: true },
        { truncated: true },
        { buildid: 3 },
      ];
      expect(far.payloads()).toEqual(expected);
      expect(near.payloads()).toEqual(expected);
      expect(states).toEqual([]);
      for (const end of forget) end();
    });

    it("carries every JSON value, and topics and texts of any script", async () => {
      const topic = newTopic();
      const inbox = await listen(there, [topic, "ausgabe_übersicht_日本語", null]);
      const values: Json[] = [
        null,
        true,
        0,
        -1.5,
        1_099_511_627_776,
        "",
        "ünï \u0000 😀 \"'\\",
        [],
        [1, [null]],
        {},
        { a: { "": "x" } },
      ];
      for (const value of values) here.publish([topic, "ausgabe_übersicht_日本語", "append"], value);
      await inbox.count(values.length);
      expect(inbox.payloads()).toEqual(values);
    });

    it("goes on when a handler throws or rejects", async () => {
      const topic = newTopic();
      await there.subscribe([topic, null], () => {
        throw new Error("thrown by a handler");
      });
      await there.subscribe([topic, null], async () => {
        throw new Error("rejected by a handler");
      });
      const inbox = await listen(there, [topic, null]);
      here.publish([topic, "1"], 1);
      here.publish([topic, "2"], 2);
      await inbox.count(2);
      expect(inbox.payloads()).toEqual([1, 2]);
    });

    it("keeps subscribers from changing what others see, and a message as it was when it was published", async () => {
      const topic = newTopic();
      const refused: unknown[] = [];
      for (const bus of [here, there]) {
        await bus.subscribe([topic, null], ({ payload }) => {
          try {
            (payload as { list: number[] }).list.push(99);
          } catch (error) {
            refused.push(error);
          }
        });
      }
      const near = await listen(here, [topic, null]);
      const far = await listen(there, [topic, null]);
      const payload = { list: [1] };
      here.publish([topic, "1"], payload);
      payload.list.push(2);
      await near.count(1);
      await far.count(1);
      expect([...near.payloads(), ...far.payloads()]).toEqual([{ list: [1] }, { list: [1] }]);
      expect(refused).toHaveLength(2);
    });

    it("runs no subscriber inside the call that publishes", async () => {
      const topic = newTopic();
      const inbox = await listen(here, [topic]);
      here.publish([topic], 1);
      expect(inbox.messages).toEqual([]);
      await inbox.count(1);
    });

    it("refuses a topic that cannot be one, without throwing at the publisher", async () => {
      for (const bad of [[], [""], ["a.b"], ["a b"], ["a#"], ["a\n"]]) {
        await expect(here.subscribe(bad, () => {})).rejects.toThrow("not a valid pattern");
        here.publish(bad, null);
      }
      expect(here.state).toBe("connected");
    });

    it("delivers nothing at all when muted, and is not degraded by that", async () => {
      const topic = newTopic();
      const muted = world.createMutedBus();
      await muted.start();
      const inbox = await listen(muted, [topic, null]);
      const far = await listen(there, [topic, null]);
      muted.publish([topic, "1"], 1);
      here.publish([topic, "2"], 2);
      await far.count(1);
      expect(far.payloads()).toEqual([2]);
      expect(inbox.messages).toEqual([]);
      expect(muted.state).toBe("connected");
      await muted.stop();
    });

    // Those without a router have none to lose: left out, not skipped.
    if (!["in-process", "none", "threads"].includes(name)) {
      describe("when its router", () => describeRouterLoss(() => ({ world, here, there, newTopic })));
    }

    it("reports which sessions leave the router, if the router does, and otherwise nothing", async () => {
      const left: string[] = [];
      const forget = here.onPeerLeft((gone) => left.push(gone));
      /** Whether the departure is reported; a hint is lost only if the connection that would bring it is lost meanwhile. */
      const isReported = async (): Promise<boolean> => {
        const leaving = world.createBus(silentLog);
        await leaving.start();
        await waitFor(() => leaving.state === "connected" && here.state === "connected", { what: "both connections" });
        const [{ session }, heardBy] = [leaving, here.session];
        if (world.reportsLeaving) expect(session).toMatch(/^\d+$/);
        else expect(session).toBe(null);
        if (world.reportsLeaving) expect(session).not.toBe(heardBy);
        await leaving.stop();
        expect(leaving.session).toBe(null);
        if (!session) return true;
        await waitFor(() => left.includes(session) || here.session !== heardBy, {
          what: "the departure to be reported",
        });
        return left.includes(session);
      };
      let reported = false;
      for (let attempt = 0; attempt < 5 && !reported; attempt++) reported = await isReported();
      expect(reported).toBe(true);
      forget();
    });

    it("sends what was published just before it stops, and is silent afterwards", async () => {
      const topic = newTopic();
      const leaving = world.createBus(silentLog);
      await leaving.start();
      const far = await listen(there, [topic, null]);
      if (leaving === there) return;
      const near = await listen(leaving, [topic, null]);
      for (let n = 1; n <= 50; n++) leaving.publish([topic, "1"], n);
      await leaving.stop();
      await leaving.stop();
      leaving.publish([topic, "2"], 99);
      await far.count(50);
      here.publish([topic, "3"], "end");
      await far.count(51);
      expect(far.payloads().at(-1)).toBe("end");
      expect(near.payloads()).not.toContain(99);
    });
  });
}

function numberIn(payload: Json): unknown {
  return (payload as { n?: unknown }).n;
}
