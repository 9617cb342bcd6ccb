import { z } from "zod";
import { ReportFailure } from "../../define-reporter.ts";
import type { MessageFacts } from "../messages/message-facts.ts";
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
export async function findRecipients(facts: MessageFacts, options: RecipientOptions): Promise<string[]> {
  const { to, sendToAuthors, addressOf = addressIn, sendToWorkerOwners } = options;
  const named = typeof to === "function" ? await to(facts) : to;
  const wrong = z.array(z.string()).safeParse(named);
  if (!wrong.success) throw new ReportFailure("the function `to` returned no list of addresses", { of: "report" });
  const authors = sendToAuthors ? [...new Set(facts.changes.map(({ author }) => author))].slice(0, mostAuthors) : [];
  const ofAuthors = await Promise.all(authors.map((author) => addressOf(author)));
  const owners = sendToWorkerOwners && facts.worker ? facts.worker.notify : [];
  const all = [...named, ...ofAuthors, ...owners];
  return [...new Set(all.filter((one): one is string => typeof one === "string" && isAddress(one)))];
}

/** The address in "Name <address>", or an author that is an address. */
function addressIn(author: string): string | null {
  const found = /<([^<>\s]+@[^<>\s]+)>/.exec(author)?.[1] ?? author.trim();
  return isAddress(found) ? found : null;
}
