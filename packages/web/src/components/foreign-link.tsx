import type { ComponentChildren } from "preact";

/** Whether an address from a build, a forge or a user may be a link: only web and mail addresses, as the browser reads them. */
export function isSafeLink(href: string): boolean {
  const base = "http://pages.invalid/";
  return URL.canParse(href, base) && ["http:", "https:", "mailto:"].includes(new URL(href, base).protocol);
}

/** A link to an address from outside; only its text if the address is not safe. */
export function ForeignLink({ href, children }: { href: string; children: ComponentChildren }) {
  return isSafeLink(href) ? (
    <a href={href} rel="noreferrer">
      {children}
    </a>
  ) : (
    <span>{children}</span>
  );
}
