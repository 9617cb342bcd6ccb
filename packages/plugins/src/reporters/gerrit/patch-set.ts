import type { ReportedBuild } from "@multimaster/data";
import { z } from "zod";
import { webUrl } from "../../web-options.ts";
import { httpShape } from "../http/http-shape.ts";
import { reporterShape } from "../reporter-options.ts";

/** Options of reporters that write to changes of Gerrit. */
export const gerritShape = {
  ...reporterShape,
  ...httpShape,
  url: webUrl.transform((url) => url.replace(/\/$/, "")).describe("URL of Gerrit."),
  user: z.string().min(1).describe("User who writes."),
  password: z.string().min(1).describe("HTTP password of the user."),
};

export interface GerritOptions {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** A patch set of a change. */
export interface PatchSet {
  readonly change: string;
  readonly revision: string;
}

/**
 * The patch set of a build, as the hook `gerrit` and Gerrit's own triggers name it. Properties that steps set do not count: a
 * stranger's code must not choose where a vote goes.
 */
export function patchSetOf({ requestProperties: properties }: ReportedBuild): PatchSet | undefined {
  const text = (...names: string[]) => {
    const value = names.map((name) => properties[name]).find((one) => one !== undefined && one !== null);
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
  const change = text("event.change.number", "gerrit_change", "event.change.id");
  const revision = text("event.patchSet.revision", "event.patchSet.number", "gerrit_patchset") ?? "current";
  // As a part of the URL either would lead the password to another address; a user may have filled it in.
  const isPart = (value: string | undefined) => value !== undefined && value !== "" && value !== "." && value !== "..";
  return change !== undefined && isPart(change) && isPart(revision) ? { change, revision } : undefined;
}

/** The address of a patch set, where a user with a password is expected. */
export const patchSetUrl = ({ url }: GerritOptions, { change, revision }: PatchSet): string =>
  `${url}/a/changes/${encodeURIComponent(change)}/revisions/${encodeURIComponent(revision)}`;

export const gerritHeaders = ({ user, password }: GerritOptions): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});
