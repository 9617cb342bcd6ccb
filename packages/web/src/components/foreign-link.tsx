import type { ComponentChildren } from "preact";

/** Whether an address that a build, a forge or a person wrote may be followed: one of the web, as the browser reads it. */
export function isSafeLink(href: string): boolean {
  const base = "http://pages.invalid/";
  return URL.canParse(href, base) && ["http:", "https:", "mailto:"].includes(new URL(href, base).protocol);
}

/** A link to an address that others wrote; its text alone where that is none of the web. */
export function ForeignLink({ href, children }: { href: string; children: ComponentChildren }) {
  return isSafeLink(href) ? (
    <a href={href} rel="noreferrer">
      {children}
    </a>
  ) : (
    <span>{children}</span>
  );
}
