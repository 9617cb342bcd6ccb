import { createHash } from "node:crypto";
import { type Rest, type RestAnswer, sortedJson } from "@multimaster/data";
import { SharedReads } from "./read-sharing.ts";

/** A short answer as text with its tag, or a long one. */
export type ReadAnswer = TaggedText | Exclude<RestAnswer, { kind: "json" | "envelope" }>;

/** The tag is weak because compression changes the bytes. */
export interface TaggedText {
  readonly kind: "text";
  readonly text: string;
  readonly tag: string;
}

/** Reads the API for all visitors: those who may read a path see the same, so simultaneous requests for the same share a read. */
export interface TextReads {
  /** A short answer is shared; a long one is for this request alone. */
  read(url: string, path: readonly string[], search: URLSearchParams, indent: number | undefined): Promise<ReadAnswer>;
  /** Only what the database writes as text itself; undefined if it must be read by `read`. */
  readDirectly(url: string, path: readonly string[], search: URLSearchParams): Promise<TaggedText | undefined>;
}

export function createTextReads(rest: Rest): TextReads {
  const reads = new SharedReads<ReadAnswer>();
  const direct = new SharedReads<TaggedText | undefined>();
  return {
    async read(url, path, search, indent) {
      const read = async (): Promise<ReadAnswer> => {
        const answer = await rest.get(path, search, indent === undefined);
        if (answer.kind === "json") return tagged(wrapJson(answer));
        if (answer.kind === "envelope") return tagged(envelopeText(answer, indent));
        return answer;
      };
      const { answer, isFirst } = await reads.get(`${indent} ${url}`, read);
      return isFirst || answer.kind === "text" ? answer : read();
    },
    async readDirectly(url, path, search) {
      const { answer } = await direct.get(url, async () => {
        const found = await rest.text(path, search);
        return found && tagged(wrapJson(found));
      });
      return answer;
    },
  };
}

export function tagged(text: string): TaggedText {
  return { kind: "text", text, tag: `W/"${createHash("sha1").update(text).digest("base64url")}"` };
}

/** Keys are in order. */
function wrapJson({ plural, json, meta }: RestAnswer & { kind: "json" }): string {
  const list = `"${plural}":[${json}]`;
  const about = `"meta":${sortedJson(meta)}`;
  return plural < "meta" ? `{${list},${about}}` : `{${about},${list}}`;
}

function envelopeText({ plural, items, meta }: RestAnswer & { kind: "envelope" }, indent: number | undefined): string {
  return sortedJson({ [plural]: items, meta }, indent);
}
