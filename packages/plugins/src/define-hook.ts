import { createHash } from "node:crypto";
import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { NewChange } from "@multimaster/data";
import type { z } from "zod";

/** What is known of a POST to `/change_hook/<type>` before its body is read. */
export interface HookHead {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
}

/** A POST to `/change_hook/<type>`, as it came. */
export interface HookRequest extends HookHead {
  readonly body: Buffer;
}

/** How a hook knows by itself that a request comes from its forge. Both throw `signatureMissing` or `signatureWrong`. */
export interface HookCheck {
  /** Checks header and address, before the body is read: a stranger's body costs nothing. */
  head(request: HookHead): void;
  /** Checks the body, where the forge signs it. */
  body?(request: HookRequest): void;
}

/** The hash of what it says: the same content is the same delivery, where nothing better tells them apart. */
export function contentOf({ body }: HookRequest): string {
  return createHash("sha256").update(body).digest("hex");
}

/** What a request asks for. */
export type HookAnswer =
  /** Changes, oldest first; `delivery` when the hook itself says under which id, see `HookDefinition.delivery`. */
  | { readonly changes: readonly NewChange[]; readonly delivery?: string | undefined }
  /** That change sources look at once: these, or all. */
  | { readonly polls: readonly string[] | "all" }
  /** Nothing, and why; shown to whoever looks at the forge's list of deliveries. */
  | { readonly ignored: string };

/** What the ui role asks of a hook. It sees no rows. */
export interface HookDefinition<Options = unknown, Details = unknown> extends PluginDefinition<"hook"> {
  /** Risks of the options, such as what is open; paths begin at the options. */
  warnings?(options: Options): readonly ConfigWarning[];
  /**
   * How this hook knows by itself that a request comes from its forge. Undefined if it cannot: then `changeHookAuth` of the
   * config is asked for, unless the hook has the option `anybody: true`.
   */
  authenticate?(options: Options): HookCheck | undefined;
  /** Bytes of the largest body that its forge sends, where that is not the usual 16 MiB. */
  readonly maxBody?: number;
  /** With a secret, the body is signed, and nothing else of a request: what was overheard may come with another id. */
  readonly signsBody?: true;
  /** The forge's id of this delivery: the same one again brings nothing new. */
  delivery?(request: HookRequest): string | undefined;
  /** Asks the forge for what its request does not tell; what it gives is handed to `parse`. */
  lookUp?(request: HookRequest, options: Options, signal: AbortSignal): Promise<Details | undefined>;
  /** Pure: a request in, changes out. */
  parse(request: HookRequest, options: Options, details?: Details): HookAnswer;
}

interface HookPlugin<S extends z.ZodType, Details>
  extends Omit<HookDefinition<z.output<S>, Details>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a hook: one file, whose default export is what this returns and what a config calls. */
export function defineHook<S extends z.ZodType, Details = unknown>(
  plugin: HookPlugin<S, Details>,
): (options?: z.input<S>) => PluginDescriptor<"hook"> {
  const definition: HookDefinition<z.output<S>, Details> = { ...plugin, kind: "hook" };
  return (options) => ({ plugin: definition, options: options ?? {} });
}
