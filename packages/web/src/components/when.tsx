import { formatAgo, formatDuration, formatExact } from "../format/time.ts";
import { settings } from "../settings.ts";
import { useNow } from "./clock.ts";

/** "3 min ago" and the exact time on hover, or the reverse, as the settings say. */
export function When({ at }: { at: number }) {
  const now = useNow(5_000);
  const exact = formatExact(at);
  const ago = formatAgo(at, now);
  const [shown, hint] = settings.get("times") === "exact" ? [exact, ago] : [ago, exact];
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={hint}>
      {shown}
    </time>
  );
}

/** "in 40 s", the exact time on hover. */
export function In({ at }: { at: number }) {
  const left = at - useNow();
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={formatExact(at)}>
      {left > 0 ? `in ${formatDuration(left)}` : "now"}
    </time>
  );
}

/** How long something took, or has taken so far. */
export function Took({ from, to }: { from: number | null | undefined; to: number | null | undefined }) {
  if (from === null || from === undefined) return <span class="quiet">–</span>;
  return to === null || to === undefined ? (
    <Running from={from} />
  ) : (
    <span class="num">{formatDuration(to - from)}</span>
  );
}

function Running({ from }: { from: number }) {
  return <span class="num">{formatDuration(useNow() - from)}</span>;
}
