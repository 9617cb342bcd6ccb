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
}

/** Finds who gets a mail. No one, if functions of the config return no one; if all that they return is wrong, the report is refused. */
export async function findRecipients(facts: MessageFacts, options: RecipientOptions): Promise<FoundRecipients> {
  const { sendToAuthors, addressOf = addressIn, sendToWorkerOwners } = options;
  const named = typeof options.to === "function" ? await options.to(facts) : options.to;
  if (!z.array(z.string()).safeParse(named).success) throw wrongValue("to", "a list of addresses", named);
  const authors = sendToAuthors ? [...new Set(facts.changes.map(({ author }) => author))].slice(0, mostAuthors) : [];
  const ofAuthors: unknown[] = await Promise.all(authors.map((author) => addressOf(author)));
  const owners = sendToWorkerOwners && facts.worker ? facts.worker.notify : [];
  const all = [...new Set<unknown>([...named, ...ofAuthors, ...owners])].filter((one) => (one ?? "") !== "");
  const to = all.filter((one): one is string => typeof one === "string" && isAddress(one));
  const wrong = all.filter((one) => !to.includes(one as string)).map(describeWrong);
  // A function that returns no one wants it so; an author without an address is one who does not learn of it.
  const missing = [...wrong, ...(options.addressOf ? [] : authors.map(describeWrong))];
  if (to.length === 0 && missing.length > 0)
    throw new ReportFailure(`no recipient has a mail address: ${missing.slice(0, mostShown).join(", ")}`, {
      of: "refused",
    });
  return { to, wrong };
}

const mostShown = 5;
const describeWrong = (one: unknown): string => (typeof one === "string" ? `"${cutText(one, 100)}"` : String(one));

/** The address in "Name <address>", or an author that is an address. */
function addressIn(author: string): string | null {
  const found = /<([^<>\s]+@[^<>\s]+)>/.exec(author)?.[1] ?? author.trim();
  return isAddress(found) ? found : null;
}
