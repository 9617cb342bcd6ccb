import { useAnswer } from "../api/live-query.ts";

/** The user of the browser, or an anonymous visitor. */
export interface Visitor {
  readonly anonymous: boolean;
  readonly username: string | null;
  readonly full_name: string | null;
  readonly email: string | null;
  /** May read the audit trail. */
  readonly audits?: boolean;
  /** May read the accounts of workers. */
  readonly accounts?: boolean;
  /** May read what reporters owe, and let them try again. */
  readonly reports?: boolean;
  readonly retries?: boolean;
  /** May read the try schedulers. */
  readonly tries?: boolean;
  /** What the rules allow the visitor to say of failures, at least of some builders. */
  readonly notes?: Readonly<Record<"comment" | "comment_builds" | "take" | "mute" | "withdraw", boolean>>;
  readonly auth: { readonly name: string };
}

export function useVisitor(): Visitor | undefined {
  return useAnswer<Visitor>("whoami", "whoami").rows?.[0];
}

/** Whether an author is the visitor; `author` is "Ann Example <ann@example.org>", or only the name or the address. */
export function isBy({ username, full_name, email }: Visitor, author: string): boolean {
  const [, name = "", address = author] = /^\s*(.*?)\s*<([^>]*)>\s*$/.exec(author) ?? [];
  const known = [username, full_name, email].flatMap((each) => (each ? [each.toLowerCase()] : []));
  return [name, address.trim()].some((each) => known.includes(each.toLowerCase()));
}

/** Who did something. A name that a failed login gave is only what it claimed. */
export function nameActor(who: string, name: string): string {
  return who === "anonymous" && name !== who ? `anonymous (as ${name})` : name;
}
