import { useEffect, useState } from "preact/hooks";
import { reach } from "../api/live-query.ts";
import { liveSocket } from "../api/live-socket.ts";
import { useNow } from "../parts/clock.ts";
import { formatRough } from "../words/time.ts";

const lookMs = 15_000;

interface Health {
  readonly status: "ok" | "degraded";
  readonly master: string;
  readonly bus: { readonly degradedSince?: number | null };
}

function useRedrawOn(subscribe: (redraw: () => void) => () => void): void {
  const [, redraw] = useState(0);
  useEffect(() => subscribe(() => redraw((n) => n + 1)), [subscribe]);
}

const onReach = (redraw: () => void) => {
  reach.listeners.add(redraw);
  return () => void reach.listeners.delete(redraw);
};
const onLive = (redraw: () => void) => liveSocket.onChange(redraw);

/** Whether changes appear by themselves: live, or read every few seconds. */
export function LiveWord() {
  useRedrawOn(onLive);
  const { state } = liveSocket;
  const [word, hint] =
    state === "live"
      ? ["live", "Changes appear at once."]
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

/** A thin bar when what is shown may be old, and since when. */
export function StatusBar() {
  useRedrawOn(onReach);
  useRedrawOn(onLive);
  const now = useNow();
  const health = useHealth();
  if (reach.lostSince !== undefined)
    return (
      <p class="status-bar lost" role="status">
        Disconnected for {formatRough(now - reach.lostSince)}: what you see is as of then. Trying again…
      </p>
    );
  if (health?.status === "degraded") {
    const since = health.bus.degradedSince;
    const seconds = typeof since === "number" ? now - (since > 1e11 ? since / 1000 : since) : undefined;
    return (
      <p class="status-bar degraded" role="status">
        Degraded{seconds === undefined ? "" : ` for ${formatRough(seconds)}`}: the message router cannot be reached.
        Builds go on; news arrives a little later.
      </p>
    );
  }
  const { lostSince } = liveSocket;
  if (lostSince !== undefined && now - lostSince > 5)
    return (
      <p class="status-bar degraded" role="status">
        No stream of events for {formatRough(now - lostSince)}: the page reads the rows every few seconds.
      </p>
    );
  return null;
}

function useHealth(): Health | undefined {
  const [health, setHealth] = useState<Health>();
  useEffect(() => {
    const look = async () => {
      if (document.hidden) return;
      try {
        const response = await fetch("/health");
        setHealth((await response.json()) as Health);
      } catch {
        // That nobody answers is told by whoever reads rows.
      }
    };
    look();
    const timer = setInterval(look, lookMs);
    return () => clearInterval(timer);
  }, []);
  return health;
}
