import { z } from "zod";
import { ReportFailure } from "../../define-reporter.ts";
import { cutText } from "../messages/cut-text.ts";
import type { MessageFacts } from "../messages/message-facts.ts";
import { wrongValue } from "../returned-value.ts";
import type { AddressOf, Recipients } from "./mail-options.ts";

interface RecipientOptions {
  readonly to: readonly string[] | Recipients;
  readonly sendToAuthors: boolean;
  readonly addressOf?: AddressOf | undefined;
  readonly sendToWorkerOwners: boolean;
}

const mostAuthors = 50;
const isAddress = (text: string) => /^[^\s@<>,;]+@[^\s@<>,;]+$/.test(text);

/** Who gets a mail: each address once. */
export interface FoundRecipients {
  readonly to: readonly string[];
  /** What was to be an address and is none. */
  readonly wrong: readonly string[];
  /** Why no one is to get it, as a sentence. */
  readonly whyNone?: string | undefined;
}

/** Finds who gets a mail. If nothing that was to be an address is one, the report is refused. */
export async function findRecipients(facts: MessageFacts, options: RecipientOptions): Promise<FoundRecipients> {
  const { sendToAuthors, addressOf = addressIn, sendToWorkerOwners } = options;
  const named = typeof options.to === "function" ? await options.to(facts) : options.to;
  if (!z.array(z.string()).safeParse(named).success) throw wrongValue("to", "a list of addresses", named);
  const authors = sendToAuthors ? [...new Set(facts.changes.map(({ author }) => author))].slice(0, mostAuthors) : [];
  // An author without an address is one who does not learn of it, and no fault of the config.
  const ofAuthors: unknown[] = await Promise.all(authors.map((author) => addressOf(author)));
  const owners = sendToWorkerOwners && facts.worker ? facts.worker.notify : [];
  const all = [...new Set<unknown>([...named, ...ofAuthors, ...owners])].filter((one) => (one ?? "") !== "");
  const to = all.filter((one): one is string => typeof one === "string" && isAddress(one));
  const wrong = all.filter((one) => !to.includes(one as string)).map(describeWrong);
  if (to.length > 0) return { to, wrong };
  if (wrong.length > 0)
    throw new ReportFailure(`no recipient has a mail address: ${listSome(wrong)}`, { of: "refused" });
  return { to, wrong, whyNone: explainNone(facts, options, authors) };
}

function explainNone({ worker }: MessageFacts, options: RecipientOptions, authors: readonly string[]): string {
  const { sendToAuthors, sendToWorkerOwners } = options;
  const reasons = [
    typeof options.to === "function" ? 'the function "to" of the config names no one' : "`to` names no one",
    ...(sendToAuthors ? [explainAuthors(authors)] : []),
    ...(sendToWorkerOwners && worker ? [`the config names no owner of ${worker.name}`] : []),
  ];
  return `no one is to get it: ${reasons.join("; ")}`;
}

const explainAuthors = (authors: readonly string[]): string =>
  authors.length === 0
    ? "there is no change, so no author"
    : `no author has a mail address: ${listSome(authors.map(describeWrong))}`;

const mostShown = 5;
const listSome = (all: readonly string[]): string =>
  `${all.slice(0, mostShown).join(", ")}${all.length > mostShown ? " …" : ""}`;
const describeWrong = (one: unknown): string => (typeof one === "string" ? `"${cutText(one, 100)}"` : String(one));

/** The address in "Name <address>", or an author that is an address. */
function addressIn(author: string): string | null {
  const found = /<([^<>\s]+@[^<>\s]+)>/.exec(author)?.[1] ?? author.trim();
  return isAddress(found) ? found : null;
}
