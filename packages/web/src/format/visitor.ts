import { useRow } from "../api/live-query.ts";

/** Who looks at the pages. */
export interface Visitor {
  readonly anonymous: boolean;
  readonly username: string | null;
  readonly full_name: string | null;
  readonly email: string | null;
  /** May read who did what. */
  readonly audits?: boolean;
  readonly auth: { readonly name: string };
}

export function useVisitor(): Visitor | undefined {
  return useRow<Visitor>("whoami").row;
}

/** Whether somebody who was written down as `author`, "Ann Example <ann@example.org>" or one of the two, is the visitor. */
export function isBy({ username, full_name, email }: Visitor, author: string): boolean {
  const [, name = "", address = author] = /^\s*(.*?)\s*<([^>]*)>\s*$/.exec(author) ?? [];
  const known = [username, full_name, email].flatMap((each) => (each ? [each.toLowerCase()] : []));
  return [name, address.trim()].some((each) => known.includes(each.toLowerCase()));
}

/** Who did something. A name that a failed login gave is only what it claimed. */
export function nameActor(who: string, name: string): string {
  return who === "anonymous" && name !== who ? `anonymous (as ${name})` : name;
}
