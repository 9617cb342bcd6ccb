import { isForAnybody, type PluginDescriptor, type UiSlice } from "@multimaster/config";
import { errors } from "@multimaster/core";
import { contentOf, type HookAnswer, type HookDefinition, type HookHead, type HookRequest } from "@multimaster/plugins";
import type Koa from "koa";
import { createClientAddress } from "../../client-address.ts";
import type { RoleContext } from "../../define-role.ts";
import { readBody } from "../http/read-body.ts";
import { askForLogin } from "./ask-for-login.ts";
import { doWhatIsAsked } from "./do-what-is-asked.ts";
import { refuseOtherPages } from "./refuse-other-pages.ts";

const usualMaxBody = 16 * 1024 * 1024;

/** Forges wait ten seconds for an answer, or longer. */
const lookUpMs = 8_000;

/**
 * `/change_hook/<type>`: what forges and scripts report. Who sends it is checked before its body is read as far as header and
 * address tell, and by the body before anything in that is looked at. It is answered after the commit: accepted means durable.
 */
export function serveHooks(context: RoleContext<UiSlice>): Koa.Middleware {
  const { hooks = [], changeHookAuth, trustedProxies } = context.config.own;
  const { shareOf } = createClientAddress(trustedProxies);
  const byType = new Map(hooks.map((hook) => [hook.plugin.type, hook]));
  return async (ctx, next) => {
    const path = /^\/change_hook(?:\/([^/]*))?\/?$/.exec(ctx.path);
    if (!path) return next();
    const type = path[1] || "base";
    const hook = byType.get(type) as PluginDescriptor<"hook"> | undefined;
    if (!hook) throw errors.hookNotConfigured(type);
    if (ctx.method !== "POST") {
      ctx.set("Allow", "POST");
      throw errors.methodNotAllowed("POST");
    }
    refuseOtherPages(ctx);
    const plugin = hook.plugin as HookDefinition;
    const head = readHead(ctx);
    const check = plugin.authenticate?.(hook.options);
    if (check) check.head(head);
    else if (!isForAnybody(hook)) askForLogin(ctx, changeHookAuth);
    const request: HookRequest = {
      ...head,
      body: await readBody(ctx, plugin.maxBody ?? usualMaxBody, shareOf(ctx.req)),
    };
    check?.body?.(request);
    const signal = AbortSignal.any([context.lost, AbortSignal.timeout(lookUpMs)]);
    const details = await plugin.lookUp?.(request, hook.options, signal);
    const answer = plugin.parse(request, hook.options, details);
    const { status, text } = await doWhatIsAsked(context, answer, (count) =>
      deliveryOf(plugin, request, answer, { isChecked: check !== undefined, count }),
    );
    ctx.status = status;
    ctx.type = "text/plain";
    ctx.body = text;
  };
}

function readHead(ctx: Koa.Context): HookHead {
  const headers = Object.fromEntries(
    Object.entries(ctx.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
  return { headers, query: ctx.URL.searchParams };
}

/** A delivery of so many changes is stored in pieces, so it needs a name by which a repetition is known. */
const manyChanges = 100;

/** How the delivery is known; one hook's ids say nothing about another's, nor about those that scripts choose. */
function deliveryOf(
  { type, delivery, signsBody }: HookDefinition,
  request: HookRequest,
  answer: HookAnswer,
  { isChecked, count }: { isChecked: boolean; count: number },
): string | undefined {
  const isSigned = isChecked && signsBody === true;
  const own = "delivery" in answer ? answer.delivery : isSigned ? contentOf(request) : delivery?.(request);
  const id = own || (count > manyChanges ? contentOf(request) : undefined);
  return id ? `${type}:${id}` : undefined;
}
