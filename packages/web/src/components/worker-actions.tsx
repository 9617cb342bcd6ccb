import type { ActionName, Worker } from "@multimaster/data";
import { call } from "../api/read.ts";
import { ActionButton } from "./action-button.tsx";

/** What can be asked of a worker, each said with what it does. */
export function WorkerActions({ worker }: { worker: Worker }) {
  const ask = (action: ActionName<"workers">) => () =>
    call("workers", `workers/${worker.workerid}`, action, { reason: "" });
  return (
    <span class="buttons">
      {worker.paused ? (
        <ActionButton kind="small" act={ask("unpause")} title="It takes builds again">
          Resume
        </ActionButton>
      ) : (
        <ActionButton kind="small" act={ask("pause")} title="Its build goes on; it takes no new one">
          Pause
        </ActionButton>
      )}
      {worker.connected_to.length > 0 && (
        <ActionButton
          kind="small"
          act={ask("stop")}
          confirm="It finishes its build, then its program ends. Stop it?"
          title="It finishes its build, then its program ends"
        >
          Stop
        </ActionButton>
      )}
    </span>
  );
}
