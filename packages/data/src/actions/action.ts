import { describePlainly, errors, type Json } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import { z } from "zod";
import type { Actor, Trail } from "../model/actor.ts";
import type { ControlAction, ControlSubject } from "../model/control-messages.ts";
import type { Updates } from "../updates/index.ts";

/** What rules may ask about the object of an action. */
export interface Subject {
  /** Names of the builders concerned; empty if the action concerns none. */
  readonly builders: readonly string[];
  /** Identity of the user who asked for the build. */
  readonly owner?: string | undefined;
}

/**
 * An action whose parameters have been read. What it is about and what it does come from the same values, so that no
 * parameter means one thing to the rules and another to the action.
 */
export interface Prepared<Result extends Json = Json> {
  /** Read where the rules distinguish builders or owners. */
  about?(): Promise<Subject>;
  /** It is about many objects, and checks the right to each of them itself. */
  readonly checksEach?: boolean;
  /** It changes nothing, so that the audit trail has no row of it. */
  readonly isUnrecorded?: boolean;
  perform(): Promise<Result>;
}

/** Who calls an action. */
export interface Caller extends Actor {
  /** Throws when the caller may not do this. */
  check(about: () => Promise<Subject>): Promise<void>;
  /** The master's key for what pb needs of secrets of workers; without it, workers that are added here cannot use pb. */
  workerSealingKey?(): Promise<Buffer | undefined>;
}

/** What an action works with. */
export interface ActionContext<Item = unknown> {
  readonly updates: Updates;
  readonly connection: Connection;
  /** Sends a control message to the master that holds the thing. */
  control: <S extends ControlSubject>(of: S, id: number, action: ControlAction<S>, payload: { reason: string }) => void;
  /** Who asks. */
  readonly actor: Actor;
  /** That of the caller. */
  workerSealingKey(): Promise<Buffer | undefined>;
  /** Writes the audit row: each action hands it to the update that writes its rows. */
  readonly trail: Trail;
  /** The same for an action on many objects, of one of them. */
  trailOf(object: string, detail: string): Trail;
  /** Throws when the caller may not do this to one of many objects. */
  check(about: () => Promise<Subject>): Promise<void>;
  /** The object as it is now. */
  reload(): Promise<Item>;
}

/** Parameters as they arrive. */
export type UnreadParameters = Readonly<Record<string, Json>>;

/** One JSON-RPC method. Errors of the catalogue that `prepare` or `perform` throw become the answer. */
export interface Action<Item, Parameters extends z.ZodType = z.ZodType, Result extends Json = Json> {
  readonly parameters: Parameters;
  readonly prepare: (
    context: ActionContext<Item>,
    item: Item,
    parameters: z.output<Parameters>,
  ) => Prepared<Result> | Promise<Prepared<Result>>;
}

/** An action on such an object, whatever its parameters. */
// biome-ignore lint/suspicious/noExplicitAny: any parameters; their type only matters where the action is declared
export type ActionOn<Item> = Action<Item, any>;

/** An action whatever it is done with. */
// biome-ignore lint/suspicious/noExplicitAny: any object
export type AnyAction = ActionOn<any>;

/** The parameters of an action as a client sends them. */
export type SentParameters<A extends AnyAction> = z.input<A["parameters"]>;

/** What an action answers a client. */
export type ResultOf<A extends AnyAction> = Awaited<ReturnType<Awaited<ReturnType<A["prepare"]>>["perform"]>>;

/** Declares an action: how its parameters are read, and what it does with them. */
export function defineAction<Item, Parameters extends z.ZodType, Result extends Json>(
  parameters: Parameters,
  prepare: Action<Item, Parameters, Result>["prepare"],
): Action<Item, Parameters, Result> {
  return { parameters, prepare };
}

/** Reads what a client sent; throws the first complaint. */
export function readParameters(action: AnyAction, sent: UnreadParameters): unknown {
  const read = action.parameters.safeParse(sent);
  if (!read.success) throw errors.requestInvalid(describeParameter(read.error.issues[0]));
  return read.data;
}

/** What is wrong with a parameter, after its name: `'filter.branch': must not be empty`. */
function describeParameter(issue: z.core.$ZodIssue | undefined): string {
  if (!issue) return "the parameters are not valid";
  const sentence = describePlainly(issue);
  // Sentences of our own name the parameter themselves.
  if (issue.path.length === 0 || sentence.startsWith("'")) return sentence;
  return `'${issue.path.join(".")}': ${sentence}`;
}

/** For an action that reads its parameters itself; `Sent` is what clients send. */
export function readByAction<Sent extends object>() {
  return z.custom<Sent>().transform((sent) => sent as unknown as UnreadParameters);
}
