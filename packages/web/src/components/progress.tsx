import { formatDuration } from "../format/time.ts";
import { useNow } from "./clock.ts";

/** The progress of something that runs, estimated from earlier durations: "2:10 of ~3:00". */
export function Progress({ from, estimate }: { from: number; estimate: number | undefined }) {
  const seconds = Math.max(0, useNow() - from);
  const share = estimate ? Math.min(0.97, seconds / estimate) : undefined;
  return (
    <span class="progress">
      <span class={share === undefined ? "bar unknown" : "bar"} aria-hidden="true">
        <i style={share === undefined ? {} : { width: `${share * 100}%` }} />
      </span>
      <span class="num">
        {formatDuration(seconds)}
        {estimate === undefined ? null : seconds <= estimate + 1 ? (
          <span class="quiet"> of ~{formatDuration(estimate)}</span>
        ) : (
          <span class="quiet"> · {formatDuration(seconds - estimate)} over</span>
        )}
      </span>
    </span>
  );
}
