import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { wakeAll } from "../api/live-query.ts";
import { ApiError } from "../api/read.ts";

/** Performs an action, and shows beside the button why it was refused. `confirm` first says what will happen, and asks. */
export function ActionButton({
  act,
  confirm,
  kind = "",
  title,
  children,
}: {
  act: () => Promise<unknown>;
  confirm?: string;
  kind?: "" | "small" | "primary" | "danger" | "small danger";
  title?: string;
  children: ComponentChildren;
}) {
  const [isBusy, setBusy] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [problem, setProblem] = useState("");
  const run = async () => {
    setAsking(false);
    setBusy(true);
    setProblem("");
    try {
      await act();
      wakeAll();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <span class="action">
      {isAsking ? (
        <span class="ask">
          <span>{confirm}</span>
          <button type="button" class="small danger" onClick={run}>
            Yes
          </button>
          <button type="button" class="small" onClick={() => setAsking(false)}>
            No
          </button>
        </span>
      ) : (
        <button
          type="button"
          class={kind}
          title={title}
          disabled={isBusy}
          onClick={() => (confirm ? setAsking(true) : run())}
        >
          {children}
        </button>
      )}
      {problem && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </span>
  );
}
