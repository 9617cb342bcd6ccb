import type { AnyResource, Path } from "../model/define-resource.ts";
import type { ItemOf, NounName } from "../resources/registry.ts";
import type { ActionOn, AnyAction, ResultOf, SentParameters } from "./action.ts";
import { addChange } from "./add-change.ts";
import { buildRequestActions } from "./buildrequests.ts";
import { buildActions } from "./builds.ts";
import { cancelMatching } from "./cancel-matching.ts";
import { forceBuild } from "./force-build.ts";
import { lockHoldActions } from "./locks.ts";
import { masterActions } from "./masters.ts";
import { lineActions, noteActions } from "./notes.ts";
import { reportActions, reporterActions } from "./reporters.ts";
import { schedulerActions } from "./schedulers.ts";
import { tryBuild } from "./try-build.ts";
import { addWorkerAccountAction, workerAccountActions } from "./worker-accounts.ts";
import { workerInstanceActions } from "./worker-instances.ts";
import { workerActions } from "./workers.ts";

/** What people may do to one object, by noun. */
const itemActions = {
  builder_lines: lineActions,
  builds: buildActions,
  buildrequests: buildRequestActions,
  forceschedulers: { force: forceBuild },
  lock_holds: lockHoldActions,
  masters: masterActions,
  notes: noteActions,
  reporters: reporterActions,
  reports: reportActions,
  schedulers: schedulerActions,
  tryschedulers: { try: tryBuild },
  workers: workerActions,
  worker_accounts: workerAccountActions,
  workerinstances: workerInstanceActions,
} satisfies { readonly [N in NounName]?: Readonly<Record<string, ActionOn<ItemOf<N>>>> };

/** What people may do to a noun as a whole. */
const listActions = {
  buildrequests: { cancel: cancelMatching },
  changes: { add: addChange },
  worker_accounts: { add: addWorkerAccountAction },
} satisfies { readonly [N in NounName]?: Readonly<Record<string, ActionOn<null>>> };

type ItemActions = typeof itemActions;
type ListActions = typeof listActions;

/** Names of the actions that a noun has, as a whole or one of its objects. */
export type ActionName<N extends NounName> =
  | (N extends keyof ItemActions ? keyof ItemActions[N] & string : never)
  | (N extends keyof ListActions ? keyof ListActions[N] & string : never);

type Declared<Actions, N, A> = N extends keyof Actions ? (A extends keyof Actions[N] ? Actions[N][A] : never) : never;

type ActionOf<N extends NounName, A extends ActionName<N>> = Extract<
  Declared<ItemActions, N, A> | Declared<ListActions, N, A>,
  AnyAction
>;

/** The parameters of such an action, as a client sends them. */
export type ActionParameters<N extends NounName, A extends ActionName<N>> = SentParameters<ActionOf<N, A>>;

/** What such an action answers. */
export type ActionResult<N extends NounName, A extends ActionName<N>> = ResultOf<ActionOf<N, A>>;

type Actions = Readonly<Record<string, AnyAction>>;

/** The actions of what a path names. */
export function actionsOf(resource: AnyResource, path: Path): Actions {
  if (path.kind !== "collection" && path.kind !== "single") return {};
  const declared: Readonly<Record<string, Actions>> = path.kind === "collection" ? listActions : itemActions;
  return Object.hasOwn(declared, resource.plural) ? (declared[resource.plural] as Actions) : {};
}
