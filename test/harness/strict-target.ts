import type { PluginDescriptor } from "@multimaster/config";
import type { z } from "zod";
import type { TestCertificate } from "./certificate.ts";
import { type ReportTarget, startReportTarget, type TargetAnswer, type TargetCall } from "./report-target.ts";

/** One request that the documentation of a target describes. */
export interface Route {
  readonly method: string;
  /** Of the path with its query. */
  readonly path: RegExp;
  /** What the body must be, without anything else. */
  readonly body?: z.ZodType;
  /** What the target does with it; `kept` is what people see there. */
  act(call: TargetCall, kept: Kept): TargetAnswer;
}

/** What a target shows, by what makes it one thing: a second request of the same key replaces or is ignored. */
export type Kept = Map<string, unknown>;

/** What the documentation of a target says, as far as a reporter needs it. */
export interface Contract {
  readonly kind: string;
  /** A reporter for the target at this URL, with the login that `isAllowed` expects. */
  reporter(url: string, more?: object): PluginDescriptor<"reporter">;
  /** Properties of a build, by which the target's reporter finds what it is about. */
  readonly properties?: Readonly<Record<string, string | number>>;
  isAllowed(call: TargetCall): boolean;
  readonly routes: readonly Route[];
  /** Its answer to too many requests, and how long it wants to be left alone, in milliseconds. */
  readonly limited: TargetAnswer & object;
  readonly limitMs: number;
  /** Its answer to a login or webhook that was revoked. */
  readonly revoked: TargetAnswer & object;
  /** What people see after two attempts of one report, the first of which arrived but was not answered. Two: it cannot know. */
  readonly shown: 1 | 2;
}

export interface StrictTarget extends ReportTarget {
  /** What it does by its documentation. */
  readonly decide: (call: TargetCall) => TargetAnswer;
  readonly kept: Kept;
  /** What in the requests was not as the documentation says. */
  readonly wrong: string[];
}

/** A target that refuses whatever its documentation does not describe, and says what it was. */
export async function startStrictTarget(contract: Contract, certificate?: TestCertificate): Promise<StrictTarget> {
  const target = await startReportTarget(certificate);
  const kept: Kept = new Map();
  const wrong: string[] = [];
  const refuse = (sentence: string) => {
    wrong.push(sentence);
    return { status: 400, body: { message: sentence } };
  };
  const decide = (call: TargetCall): TargetAnswer => {
    const { method, path, headers } = call;
    const what = `${contract.kind}: ${method} ${path}`;
    if (!headers["user-agent"]) return refuse(`${what} has no user agent`);
    if (!contract.isAllowed(call)) return refuse(`${what} has not the login`);
    const route = contract.routes.find((one) => one.method === method && one.path.test(path));
    if (!route) return refuse(`${what} is not documented`);
    const checked = route.body?.safeParse(call.body ?? Object.fromEntries(new URLSearchParams(call.text)));
    if (checked && !checked.success) return refuse(`${what}: ${checked.error.message}`);
    return route.act(call, kept);
  };
  target.answer(decide);
  return { ...target, kept, wrong, decide };
}
