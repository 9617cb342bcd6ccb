import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Bus, Pattern, Subscription } from "../contract.ts";
import { patternText } from "../key.ts";
import type { BusPort, FromHub, ToHub } from "./port-messages.ts";
import { notesOf } from "./thread-notes.ts";

/** A thread that takes no messages is not buffered for beyond this. */
const maxUntaken = 10_000;

/** Lets other threads of this process use a bus, which stays the only one with a connection. */
export interface BusHub {
  /** A port for one thread, to be given to it (`createPortBus`). It ends with the thread. */
  open(): BusPort;
}

export function createBusHub(bus: Bus): BusHub {
  return {
    open() {
      const { port1, port2 } = new MessageChannel();
      serve(bus, port1);
      const { kind, state, degradedSince, interest } = bus;
      return {
        port: port2,
        busKind: kind,
        isMuted: bus.isMuted === true,
        state,
        degradedSince,
        ...(interest && { interest: interest.counters }),
      };
    },
  };
}

/** Carries out what one thread asks for, until its end of the port is closed. */
function serve(bus: Bus, port: MessagePort): void {
  const subscriptions = new Map<string, Promise<Subscription>>();
  const send = (message: FromHub) => port.postMessage(message);
  let untaken = 0;
  let hasMissed = false;

  const forget = bus.onState((state) => send({ kind: "state", state, degradedSince: bus.degradedSince }));

  function subscribe(pattern: Pattern): Promise<Subscription> {
    return bus.subscribe(pattern, ({ key, payload }, publisher) =>
      deliver({ kind: "message", pattern, key, payload, publisher }),
    );
  }

  function deliver(message: FromHub): void {
    if (untaken >= maxUntaken) {
      hasMissed = true;
      return;
    }
    untaken += 1;
    send(message);
  }

  const notes = notesOf(bus);
  const forward = (note: string) => deliver({ kind: "note", note });
  const disconnect = notes.connect(forward);

  async function confirm(id: number, done: Promise<unknown> | undefined): Promise<void> {
    try {
      await done;
      send({ kind: "done", id });
    } catch (error) {
      send({ kind: "done", id, refused: error instanceof Error ? error.message : String(error) });
    }
  }

  function receive(message: ToHub): void {
    switch (message.kind) {
      case "publish":
        return bus.publish(message.key, JSON.parse(message.payload));
      case "note":
        return notes.send(message.note, forward);
      case "subscribe": {
        const text = patternText(message.pattern);
        const subscription = subscriptions.get(text) ?? subscribe(message.pattern);
        subscriptions.set(text, subscription);
        return void confirm(message.id, subscription);
      }
      case "unsubscribe": {
        const text = patternText(message.pattern);
        const ended = subscriptions.get(text)?.then((subscription) => subscription.unsubscribe());
        subscriptions.delete(text);
        return void confirm(message.id, ended);
      }
      case "taken":
        untaken -= message.count;
        if (!hasMissed || untaken > maxUntaken / 2) return;
        hasMissed = false;
        send({ kind: "missed" });
    }
  }

  port.on("message", receive);
  // The thread's end is closed by its stop, or by its death.
  port.once("close", () => {
    forget();
    disconnect();
    for (const subscription of subscriptions.values())
      void subscription.then((open) => open.unsubscribe()).catch(() => undefined);
    subscriptions.clear();
  });
  // The thread keeps the process alive, not its port.
  port.unref();
}
