import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** After a refusal the keyboard goes to the first field of the form with a problem, which is scrolled into view. */
export function useFocusOnProblem(problems: Readonly<Record<string, string>>): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => {
    const field = form.current?.querySelector(".field > .problem")?.parentElement;
    field?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, [problems]);
  return form;
}
