import { isForAnybody, type PluginDescriptor, type UiSlice } from "@multimaster/config";
import { errors, withTimeLimit } from "@multimaster/core";
import { contentOf, type HookAnswer, type HookDefinition, type HookHead, type HookRequest } from "@multimaster/plugins";
import type Koa from "koa";
import { createClientAddress } from "../../client-address.ts";
import type { RoleContext } from "../../define-role.ts";
import { readBody } from "../http/read-body.ts";
import { applyHookResult } from "./apply-hook-result.ts";
import { askForLogin } from "./ask-for-login.ts";
import { refuseOtherPages } from "./refuse-other-pages.ts";

const usualMaxBody = 16 * 1024 * 1024;

/** Forges wait at least ten seconds for an answer. */
const lookUpMs = 8_000;

/**
 * `/change_hook/<type>`: reports of forges and scripts. The sender is authenticated by headers and URL before the body is
 * read, and by the body's signature before its content is parsed. The answer follows the commit: accepted means durable.
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
    const details = await withTimeLimit(lookUpMs, context.lost, async (signal) =>
      plugin.lookUp?.(request, hook.options, signal),
    );
    const answer = plugin.parse(request, hook.options, details);
    const { status, text } = await applyHookResult(context, answer, (count) =>
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

/** A delivery with more changes is stored in several transactions, so it needs an id that identifies a repetition. */
const manyChanges = 100;

/** The delivery's id. Ids of one hook are independent of another's, and of those that scripts choose. */
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
