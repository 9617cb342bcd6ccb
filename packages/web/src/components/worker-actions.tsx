import type { ActionName, Worker } from "@multimaster/data";
import { call } from "../api/read.ts";
import { ActionButton } from "./action-button.tsx";

/** The actions on a worker; each title says what the action does. */
export function WorkerActions({ worker }: { worker: Worker }) {
  const act = (action: ActionName<"workers">) => (reason: string) =>
    call("workers", `workers/${worker.workerid}`, action, { reason });
  return (
    <span class="buttons">
      {worker.paused ? (
        <ActionButton kind="small" act={act("unpause")} title="It takes builds again">
          Resume
        </ActionButton>
      ) : (
        <ActionButton
          kind="small"
          act={act("pause")}
          confirm="Its build goes on; it takes no new one."
          asksReason
          title="Its build goes on; it takes no new one"
        >
          Pause
        </ActionButton>
      )}
      {worker.connected_to.length > 0 && (
        <ActionButton
          kind="small"
          act={act("stop")}
          confirm="It finishes its build, then its program ends. Stop it?"
          asksReason
          title="It finishes its build, then its program ends"
        >
          Stop
        </ActionButton>
      )}
    </span>
  );
}
