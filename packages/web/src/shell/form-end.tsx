import type { ComponentChildren } from "preact";

/** The end of a form in a dialog: what was wrong with the last attempt, the button that sends, and the one that closes. */
export function FormEnd({
  problem,
  label,
  isBusy = false,
  onClose,
}: {
  /** Empty: nothing was wrong. */
  problem: ComponentChildren;
  label: string;
  isBusy?: boolean;
  onClose: () => void;
}) {
  return (
    <>
      {problem && (
        <p class="failure-text" role="alert">
          {problem}
        </p>
      )}
      <footer>
        <button type="submit" class="primary" disabled={isBusy}>
          {label}
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </footer>
    </>
  );
}
