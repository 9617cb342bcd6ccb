/** Whether no element has the focus: the one that had it is gone, or was outside of the page's content. */
function isLost(): boolean {
  const focused = document.activeElement;
  return focused === null || focused === document.body;
}

/** The element with the focus was replaced: the keyboard goes on in the page's content, which then scrolls by keys, too. */
export function focusMainIfLost(): void {
  if (isLost()) focusMain();
}

/** After a change of the page: the keyboard and screen readers begin at its content. */
export function focusMain(): void {
  document.getElementById("main")?.focus({ preventScroll: true });
}
