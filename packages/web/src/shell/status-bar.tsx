import { useEffect, useState } from "preact/hooks";
import { reach, wakeAll } from "../api/live-query.ts";
import { liveSocket } from "../api/live-socket.ts";
import { addressOf } from "../base.ts";
import { useNow } from "../components/clock.ts";
import { formatRough } from "../format/time.ts";

const pollMs = 15_000;

interface Health {
  readonly master: string;
  readonly bus: { readonly kind?: string; readonly state: string; readonly degradedSince?: number | null };
  readonly database?: { readonly takesWrites: boolean; readonly reason: string; readonly since: number };
}

/** What the answering master says of its parts. */
interface Trouble {
  readonly kind: string | undefined;
  readonly degraded: { readonly since: number | undefined } | undefined;
  readonly refusal: { readonly since: number; readonly reason: string } | undefined;
}

/** What does not work if messages do not flow, by the kind of bus: a cluster may have no router. */
const carriers: Readonly<Record<string, string>> = {
  wamp: "the message router cannot be reached. Builds continue; changes appear a little later.",
  postgres:
    "PostgreSQL sends no notifications. While it answers, builds continue and changes appear a little later; while it does not, nothing new starts.",
};

function useRedrawOn(subscribe: (redraw: () => void) => () => void): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    // It may have changed between drawing and subscribing.
    redraw((n) => n + 1);
    return subscribe(() => redraw((n) => n + 1));
  }, [subscribe]);
}

const onReach = (redraw: () => void) => {
  reach.listeners.add(redraw);
  return () => void reach.listeners.delete(redraw);
};
const onLive = (redraw: () => void) => liveSocket.onChange(redraw);

/** How changes reach the page: live, or by polling every few seconds. */
export function LiveWord() {
  useRedrawOn(onLive);
  const state = liveSocket.isComplete ? "live" : liveSocket.state === "connecting" ? "connecting" : "polling";
  const [word, hint] =
    state === "live"
      ? ["live", "Changes appear immediately."]
      : state === "polling"
        ? ["every 3 s", "There is no stream of events now; the page reads the rows every few seconds."]
        : ["…", "Connecting"];
  return (
    <span class={`live-word ${state}`} title={hint}>
      <i aria-hidden="true" />
      {word}
    </span>
  );
}

/** A thin bar that says since when the page may be out of date. */
export function StatusBar() {
  useRedrawOn(onReach);
  useRedrawOn(onLive);
  const now = useNow();
  const health = useHealth();
  if (reach.lostSince !== undefined)
    return (
      <p class="status-bar lost" role="status">
        {reach.error?.status === 0 ? "Disconnected" : `${reach.error?.message} Not up to date`} for{" "}
        {formatRough(now - reach.lostSince)}: you see the state of that time. Retrying…
      </p>
    );
  if (health?.refusal)
    return (
      <p class="status-bar degraded" role="status">
        Degraded for {formatRough(now - health.refusal.since)}: the database takes no writes: {health.refusal.reason}.
        Running builds wait, and nothing new is accepted.
      </p>
    );
  // The stream reports it immediately; without one, the next poll of the cluster's health does.
  const degraded = liveSocket.state === "live" ? liveSocket.degraded : health?.degraded;
  if (degraded)
    return (
      <p class="status-bar degraded" role="status">
        Degraded{degraded.since === undefined ? "" : ` for ${formatRough(now - degraded.since)}`}:{" "}
        {carriers[health?.kind ?? ""] ?? "messages do not flow. Changes appear a little later."}
      </p>
    );
  const { lostSince } = liveSocket;
  if (lostSince !== undefined && now - lostSince > 5)
    return (
      <p class="status-bar degraded" role="status">
        No stream of events for {formatRough(now - lostSince)}: the page reads the rows every few seconds.
      </p>
    );
  return null;
}

/** What the answering master reports; undefined until it was asked. */
function useHealth(): Trouble | undefined {
  const [trouble, setTrouble] = useState<Trouble>();
  useEffect(() => {
    const poll = async () => {
      if (document.hidden) return;
      try {
        const response = await fetch(addressOf("/api/v2/health"));
        if (response.status === 403 || response.status === 404) return;
        const { bus, database } = (await response.json()) as Health;
        const since = typeof bus.degradedSince === "number" ? bus.degradedSince / 1000 : undefined;
        setTrouble({
          kind: bus.kind,
          degraded: bus.state === "degraded" ? { since } : undefined,
          refusal: database?.takesWrites === false ? database : undefined,
        });
      } catch {
        // Reading rows shows whether the server is unreachable; an idle stream may still be open then.
        wakeAll();
      }
    };
    poll();
    const timer = setInterval(poll, pollMs);
    return () => clearInterval(timer);
  }, []);
  return trouble;
}
