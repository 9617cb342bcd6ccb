import { createHash } from "node:crypto";
import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { NewChange } from "@multimaster/data";
import type { z } from "zod";

/** The part of a POST to `/change_hook/<type>` that is known before its body is read. */
export interface HookHead {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
}

/** A complete POST to `/change_hook/<type>`. */
export interface HookRequest extends HookHead {
  readonly body: Buffer;
}

/** How a hook authenticates its forge by itself. Both methods throw `signatureMissing` or `signatureWrong`. */
export interface HookCheck {
  /** Checks headers and URL before the body is read, so that a stranger's body costs nothing. */
  head(request: HookHead): void;
  /** Checks the body, if the forge signs it. */
  body?(request: HookRequest): void;
}

/** The hash of the body, as the delivery's id where the forge sends none: the same content is the same delivery. */
export function contentOf({ body }: HookRequest): string {
  return createHash("sha256").update(body).digest("hex");
}

/** Which builds are to run again. */
export interface HookRerun {
  /** The type of the reporter that has shown them. */
  readonly reporter: string;
  /** What they were shown as: see `Delivery.offerRerun`. */
  readonly target: string;
  /** The id that the reporter gave to one of them: the cluster's name, "-", and the build's id. Undefined: the newest of each builder. */
  readonly externalId?: string | undefined;
  /** Who asked for it, for people. */
  readonly by: string;
}

/** The result of parsing a request. */
export type HookAnswer =
  /** Changes, oldest first; `delivery` if the hook's request contains its own id, see `HookDefinition.delivery`. */
  | { readonly changes: readonly NewChange[]; readonly delivery?: string | undefined }
  /** Change sources that must poll immediately: these, or all. */
  | { readonly polls: readonly string[] | "all" }
  /** Builds that a reporter has shown at the forge, and that a user wants to run again. */
  | { readonly rerun: HookRerun }
  /** No change, and why; shown in the forge's list of deliveries. */
  | { readonly ignored: string };

/** A hook as the ui role uses it. It sees no rows. */
export interface HookDefinition<Options = unknown, Details = unknown> extends PluginDefinition<"hook"> {
  /** Risks of the options, such as open access; paths begin at the options. */
  warnings?(options: Options): readonly ConfigWarning[];
  /**
   * How this hook authenticates its forge by itself. If undefined, requests need the config's `changeHookAuth`, unless the
   * hook has the option `anybody: true`.
   */
  authenticate?(options: Options): HookCheck | undefined;
  /** Maximum size in bytes of its forge's bodies, if it differs from the usual 16 MiB. */
  readonly maxBody?: number;
  /** With a secret, only the body is signed: a replayed body may come with another delivery id. */
  readonly signsBody?: true;
  /** The forge's id of this delivery: a repetition with the same id adds nothing. */
  delivery?(request: HookRequest): string | undefined;
  /** Queries the forge for data missing from its request; `parse` gets the result. */
  lookUp?(request: HookRequest, options: Options, signal: AbortSignal): Promise<Details | undefined>;
  /** Pure function from a request to changes. */
  parse(request: HookRequest, options: Options, details?: Details): HookAnswer;
}

interface HookPlugin<S extends z.ZodType, Details>
  extends Omit<HookDefinition<z.output<S>, Details>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a hook. Each file default-exports the result, which a config calls. */
export function defineHook<S extends z.ZodType, Details = unknown>(
  plugin: HookPlugin<S, Details>,
): (options?: z.input<S>) => PluginDescriptor<"hook"> {
  const definition: HookDefinition<z.output<S>, Details> = { ...plugin, kind: "hook" };
  return (options) => ({ plugin: definition, options: options ?? {} });
}
