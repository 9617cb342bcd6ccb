import type { Worker } from "@multimaster/data";
import type { Standing } from "../format/result.ts";
import { type WorkerState, workerState } from "../format/worker-state.ts";
import { Icon, type PageIcon } from "./icon.tsx";

const tokens: Readonly<Record<WorkerState, [colour: Standing, icon: Standing | PageIcon]>> = {
  attached: ["success", "success"],
  paused: ["warnings", "pause"],
  quarantined: ["failure", "pause"],
  missing: ["failure", "pending"],
  leaving: ["warnings", "next"],
  away: ["cancelled", "pending"],
  unused: ["cancelled", "pending"],
};

export function WorkerStateToken({ worker }: { worker: Worker }) {
  const state = workerState(worker);
  const [colour, icon] = tokens[state];
  return (
    <span
      class={`token ${colour}`}
      title={state === "unused" ? "No live engine has a builder for it" : (worker.pause_reason ?? undefined)}
    >
      <span class="mark">
        <Icon name={icon} />
      </span>
      <span>
        {state}
        {state === "quarantined" && <span class="quiet"> {worker.quarantine_reason}</span>}
        {state !== "quarantined" && worker.paused && worker.pause_reason && (
          <span class="quiet"> {worker.pause_reason}</span>
        )}
      </span>
    </span>
  );
}
