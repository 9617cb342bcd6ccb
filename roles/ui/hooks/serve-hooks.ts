import { descriptorOf, type PluginDescriptor, type UiSlice } from "@multimaster/config";
import { errors } from "@multimaster/core";
import { contentOf, type HookAnswer, type HookDefinition, type HookRequest } from "@multimaster/plugins";
import base from "@multimaster/plugins/hooks/base";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import { readBody } from "../read-body.ts";
import { askForLogin } from "./ask-for-login.ts";
import { doWhatIsAsked } from "./do-what-is-asked.ts";
import { refuseOtherPages } from "./refuse-other-pages.ts";

const usualMaxBody = 16 * 1024 * 1024;

/** Forges wait ten seconds for an answer, or longer. */
const lookUpMs = 8_000;

/**
 * `/change_hook/<type>`: what forges and scripts tell of. Who sends it is checked before anything in it is looked at, and
 * it is answered after the commit: accepted means durable.
 */
export function serveHooks(context: RoleContext<UiSlice>): Koa.Middleware {
  const { hooks = [descriptorOf("hook").parse(base())], changeHookAuth } = context.config.own;
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
    const authenticate = plugin.authenticate?.(hook.options);
    if (!authenticate && changeHookAuth) askForLogin(ctx, changeHookAuth);
    const request = await readRequest(ctx, plugin.maxBody ?? usualMaxBody);
    authenticate?.(request);
    const signal = AbortSignal.any([context.lost, AbortSignal.timeout(lookUpMs)]);
    const details = await plugin.lookUp?.(request, hook.options, signal);
    const answer = plugin.parse(request, hook.options, details);
    const { status, text } = await doWhatIsAsked(
      context,
      answer,
      deliveryOf(plugin, request, answer, authenticate !== undefined),
    );
    ctx.status = status;
    ctx.type = "text/plain";
    ctx.body = text;
  };
}

async function readRequest(ctx: Koa.Context, maxBody: number): Promise<HookRequest> {
  const headers = Object.fromEntries(
    Object.entries(ctx.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
  return { headers, query: ctx.URL.searchParams, body: await readBody(ctx, maxBody) };
}

/** How the changes of this request are known, by their place in it; one hook's ids say nothing about another's. */
function deliveryOf(
  { type, delivery, signsBody }: HookDefinition,
  request: HookRequest,
  answer: HookAnswer,
  isChecked: boolean,
): (n: number) => string | undefined {
  if ("delivery" in answer) return () => answer.delivery;
  const isSigned = isChecked && signsBody === true;
  const id = isSigned ? contentOf(request) : delivery?.(request);
  return (n) => (id ? `${type}:${id}/${n}` : undefined);
}
