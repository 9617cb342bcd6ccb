import { useEffect, useRef } from "preact/hooks";

/** Handles keys, except while the user types into a field. The page that was opened last comes first. */
export function useKeys(keys: Readonly<Record<string, (() => unknown) | undefined>>): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const act = current.current[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)
  );
}

/** `j` and `k` move from row to row of the main part: to the first link of each, or to its first button. */
export function moveAmongRows(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row], main tbody tr")].flatMap((row) => {
    const target = row.querySelector<HTMLElement>("a[href]") ?? row.querySelector<HTMLElement>("button");
    return target ? [{ row, target }] : [];
  });
  if (rows.length === 0) return;
  const focused = rows.findIndex(({ row }) => row.contains(document.activeElement));
  // From the row that the page shows, until the reader has gone to another.
  const at = focused !== -1 ? focused : rows.findIndex(({ target }) => target.ariaCurrent === "step");
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.target;
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** `r` goes to what the page offers first, such as to build again; Enter then does it. */
export function goToMainAction(): void {
  const [action] = document.querySelectorAll<HTMLElement>(
    "main .page-head .actions .primary, main .page-head .actions button",
  );
  action?.focus();
}

/** `,` and `.` open the tab before and after the open one. */
export function moveAmongTabs(by: number): void {
  const tabs = [...document.querySelectorAll<HTMLElement>("main .tabs a")];
  const open = tabs.findIndex((tab) => tab.ariaCurrent !== null);
  tabs[Math.min(Math.max(open + by, 0), tabs.length - 1)]?.click();
}
