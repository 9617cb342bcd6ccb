import type { Authorization } from "@multimaster/config";
import type { Subject } from "@multimaster/data";
import { mayDo } from "./before-body.ts";
import { type Allowed, isAmong, needsSubject, whoMay } from "./decide.ts";
import { nounOfTarget, nounsOfEvent, nounsOfPath } from "./nouns.ts";
import { refuse } from "./refusal.ts";
import type { Visitor } from "./visitor.ts";

/** Decides by the config's rules what a visitor may see, hear and do. */
export interface Permissions {
  /** Whether the visitor may read this path of the API, including every object on the way to it. */
  mayRead(visitor: Visitor, path: readonly string[]): boolean;
  /** Whether the visitor may receive this event: `builds/7/new`, or its parts. Check each event, not only the subscription. */
  mayHear(visitor: Visitor, key: string | readonly string[]): boolean;
  /** Whether the visitor may perform this action on every object of a kind, such as all reporters. */
  mayAct(visitor: Visitor, noun: string, action: string): boolean;
  /** The same on at least some objects, as far as rules say without one: what a page offers. */
  mayActOnSome(visitor: Visitor, noun: string, action: string): boolean;
  /** Throws a message that says who may, if the visitor may not read this. */
  checkRead(visitor: Visitor, path: readonly string[]): void;
  /** The same for an action on a path; `about` returns the subject of the action, once its parameters are read. */
  checkAction(visitor: Visitor, path: readonly string[], method: string, about: () => Promise<Subject>): Promise<void>;
}

export function createPermissions(authorization: Authorization): Permissions {
  // Rules about reading depend only on the noun, and there are many events, so results are cached.
  const readers = new Map<string, Allowed>();

  function whoMayRead(noun: string): Allowed {
    const known = readers.get(noun);
    if (known !== undefined) return known;
    const allowed = whoMay(authorization, { action: "read", noun });
    // Names from outside must not fill the memory.
    if (readers.size < 200) readers.set(noun, allowed);
    return allowed;
  }

  const isHidden = (visitor: Visitor, noun: string) => !isAmong(visitor, whoMayRead(noun), undefined);

  function checkRead(visitor: Visitor, path: readonly string[]): void {
    const hidden = nounsOfPath(path).find((noun) => isHidden(visitor, noun));
    if (hidden !== undefined) throw refuse(visitor, "read", hidden, whoMayRead(hidden));
  }

  return {
    mayRead: (visitor, path) => !nounsOfPath(path).some((noun) => isHidden(visitor, noun)),
    mayHear(visitor, key) {
      const parts = typeof key === "string" ? key.split("/") : key;
      return !nounsOfEvent(parts).some((noun) => isHidden(visitor, noun));
    },
    mayAct: (visitor, noun, action) =>
      !visitor.readOnly && isAmong(visitor, whoMay(authorization, { action, noun }), undefined),
    mayActOnSome: (visitor, noun, action) => !visitor.readOnly && mayDo(authorization, visitor, noun, action),
    checkRead,
    async checkAction(visitor, path, method, about) {
      const noun = nounOfTarget(path);
      // The path does not exist, which the API reports.
      if (noun === undefined) return;
      const isNeeded = needsSubject(authorization, method, noun);
      const { builders, owner }: Subject = isNeeded ? await about() : { builders: [] };
      for (const builder of builders.length === 0 ? [undefined] : builders) {
        const allowed = whoMay(authorization, { action: method, noun, builder });
        if (visitor.readOnly || !isAmong(visitor, allowed, owner)) throw refuse(visitor, method, noun, allowed);
      }
    },
  };
}
