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

/** `j` and `k` move from row to row: to the first link of each row of the main part. */
export function moveAmongRows(by: number): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>("main [data-row] a, main tbody tr td:first-child a")];
  if (links.length === 0) return;
  const focused = links.indexOf(document.activeElement as HTMLAnchorElement);
  // From the row that the page shows, until the reader has gone to another.
  const at = focused !== -1 ? focused : links.findIndex((link) => link.ariaCurrent === "step");
  const next = links[Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
