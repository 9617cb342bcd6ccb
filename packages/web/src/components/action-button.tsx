import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { wakeAll } from "../api/live-query.ts";
import { ApiError } from "../api/read.ts";
import { focusMainIfLost } from "../shell/focus.ts";

/** The server takes no longer reasons. */
const longestReason = 1000;

/**
 * Performs an action, and shows beside the button why it was refused. `confirm` first says what will happen, and asks; with
 * `asksReason` it also asks why, which may stay empty.
 */
export function ActionButton({
  act,
  confirm,
  asksReason = false,
  kind = "",
  title,
  children,
}: {
  act: (reason: string) => Promise<unknown>;
  confirm?: string;
  asksReason?: boolean;
  kind?: "" | "small" | "primary" | "danger" | "small danger";
  title?: string;
  children: ComponentChildren;
}) {
  const [isBusy, setBusy] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const [problem, setProblem] = useState("");
  const around = useRef<HTMLSpanElement>(null);
  const wasAsking = useRef(false);
  // The question takes the focus of the button, and gives it back; a button that is replaced leaves it to the page.
  useLayoutEffect(() => {
    if (isAsking) around.current?.querySelector<HTMLElement>("input, button")?.focus();
    else if (wasAsking.current) around.current?.querySelector("button")?.focus();
    wasAsking.current = isAsking;
  }, [isAsking]);
  useLayoutEffect(
    () => () => {
      if (around.current?.contains(document.activeElement)) requestAnimationFrame(focusMainIfLost);
    },
    [],
  );
  const run = async (reason: string) => {
    if (isBusy) return;
    setAsking(false);
    setBusy(true);
    setProblem("");
    try {
      await act(reason);
      wakeAll();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <span class="action" ref={around}>
      {isAsking && confirm !== undefined ? (
        <Question text={confirm} asksReason={asksReason} onYes={run} onNo={() => setAsking(false)} />
      ) : (
        <button
          type="button"
          class={kind}
          title={title}
          // Not `disabled`: that would take the focus away.
          aria-disabled={isBusy}
          onClick={() => (confirm ? setAsking(true) : run(""))}
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

/** In the place of the button; Enter in the reason is yes, Escape is no. */
function Question({
  text,
  asksReason,
  onYes,
  onNo,
}: {
  text: string;
  asksReason: boolean;
  onYes: (reason: string) => void;
  onNo: () => void;
}) {
  const [reason, setReason] = useState("");
  return (
    <form
      class="ask"
      onSubmit={(event) => {
        event.preventDefault();
        onYes(reason.trim());
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onNo();
      }}
    >
      <span>{text}</span>
      {asksReason && (
        <input
          type="text"
          aria-label="Why (may stay empty)"
          placeholder="Why? (optional)"
          maxLength={longestReason}
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      )}
      <button type="submit" class="small danger">
        Yes
      </button>
      <button type="button" class="small" onClick={onNo}>
        No
      </button>
    </form>
  );
}
