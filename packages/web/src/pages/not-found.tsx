import type { ComponentChildren } from "preact";
import { Page } from "../components/page.tsx";

/** What does not exist, and where to go instead. */
export function NotFoundPage({ what, children }: { what: string /** Where to look. */; children?: ComponentChildren }) {
  return (
    <Page title="Not found">
      <p>
        {what} {children}
      </p>
      <p class="quiet">
        It may have been deleted, or the address is misspelt. Press <kbd>/</kbd> to find a builder, a worker or a page,
        or go <a href="/">home</a>.
      </p>
    </Page>
  );
}
