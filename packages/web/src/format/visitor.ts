import { useAnswer } from "../api/live-query.ts";

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
  return useAnswer<Visitor>("whoami", "whoami").rows?.[0];
}

/** Whether somebody who was written down as `author`, "Ann Example <ann@example.org>" or one of the two, is the visitor. */
export function isBy({ username, full_name, email }: Visitor, author: string): boolean {
  const [, name = "", address = author] = /^\s*(.*?)\s*<([^>]*)>\s*$/.exec(author) ?? [];
  const known = [username, full_name, email].flatMap((each) => (each ? [each.toLowerCase()] : []));
  return [name, address.trim()].some((each) => known.includes(each.toLowerCase()));
}
