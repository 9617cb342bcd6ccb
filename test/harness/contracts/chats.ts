import discord from "@multimaster/plugins/reporters/discord";
import matrix from "@multimaster/plugins/reporters/matrix";
import mattermost from "@multimaster/plugins/reporters/mattermost";
import slack from "@multimaster/plugins/reporters/slack";
import teams from "@multimaster/plugins/reporters/teams";
import telegram from "@multimaster/plugins/reporters/telegram";
import zulip from "@multimaster/plugins/reporters/zulip";
import { z } from "zod";
import type { TargetCall } from "../report-target.ts";
import type { Contract, Kept } from "../strict-target.ts";

const text = (longest: number) => z.string().min(1).max(longest);
const page = z.url({ protocol: /^https?$/ });
const hook = "/hooks/s3cret-of-the-webhook";
const isHook = ({ path }: TargetCall) => path.split("?")[0] === hook;
const isJson = ({ headers }: TargetCall) => headers["content-type"] === "application/json";

/** Every message is a new one. */
const show = (call: TargetCall, kept: Kept) => void kept.set(String(kept.size), call.body ?? call.text);
/** Some answer with plain text. */
const say = (status: number, body: string) => ({ status, body });

/** No text may name all of a channel, or one user, however it got into the build; in a block of code it names no one. */
const namesNoOne = (pattern: RegExp) => (value: string) =>
  !pattern.test(value.replaceAll(/(`{3,})\n[\s\S]*?(?:\n\1|$)/g, ""));

/** Slack's incoming webhooks with attachments; texts in mrkdwn, where <!channel> names all. */
const slackText = (longest: number) => text(longest).refine(namesNoOne(/<[!@#]/), "mentions someone");
const slackContract: Contract = {
  kind: "slack",
  reporter: (url, more) => slack({ name: "r", url: `${url}${hook}`, ...more }),
  isAllowed: (call) => isHook(call) && isJson(call),
  shown: 2,
  // One message a second for each webhook.
  limited: { status: 429, headers: { "retry-after": "30" }, body: "rate_limited" },
  limitMs: 30_000,
  revoked: say(404, "no_service"),
  routes: [
    {
      method: "POST",
      path: /^\/hooks\/[\w-]+$/,
      body: z.strictObject({
        text: slackText(40_000).optional(),
        attachments: z
          .array(
            z.strictObject({
              color: z.string().regex(/^#[0-9a-f]{6}$/),
              fallback: slackText(1000),
              title: slackText(1000).optional(),
              title_link: page.optional(),
              text: slackText(8000).optional(),
              mrkdwn_in: z.array(z.enum(["text", "pretext", "fields"])).optional(),
              footer: slackText(300).optional(),
              ts: z.int().optional(),
            }),
          )
          .min(1)
          .max(20),
      }),
      act(call, kept) {
        show(call, kept);
        return say(200, "ok");
      },
    },
  ],
};

const discordContract: Contract = {
  kind: "discord",
  reporter: (url, more) => discord({ name: "r", url: `${url}${hook}`, ...more }),
  isAllowed: (call) => isHook(call) && isJson(call),
  shown: 2,
  limited: { status: 429, body: { message: "You are being rate limited.", retry_after: 0.65, global: false } },
  limitMs: 650,
  revoked: { status: 404, body: { message: "Unknown Webhook", code: 10_015 } },
  routes: [
    {
      method: "POST",
      // Without `wait` Discord answers before the message is stored.
      path: /^\/hooks\/[\w-]+\?wait=true$/,
      body: z.strictObject({
        content: text(2000).optional(),
        embeds: z
          .array(
            z
              .strictObject({
                title: text(256),
                url: page,
                description: text(4096),
                color: z.int().min(0).max(0xff_ff_ff),
                footer: z.strictObject({ text: text(2048) }).optional(),
                timestamp: z.iso.datetime().optional(),
              })
              .refine(({ title, description }) => title.length + description.length <= 6000, "is too long"),
          )
          .max(10),
        allowed_mentions: z.strictObject({ parse: z.array(z.never()) }),
      }),
      act(call, kept) {
        show(call, kept);
        return { status: 200, body: { id: "1", type: 0 } };
      },
    },
  ],
};

const mattermostContract: Contract = {
  kind: "mattermost",
  reporter: (url, more) => mattermost({ name: "r", url: `${url}${hook}`, ...more }),
  isAllowed: (call) => isHook(call) && isJson(call),
  shown: 2,
  limited: { status: 429, headers: { "retry-after": "2" }, body: "limit exceeded" },
  limitMs: 2000,
  revoked: {
    status: 400,
    body: { id: "web.incoming_webhook.invalid.app_error", message: "Invalid webhook.", status_code: 400 },
  },
  routes: [
    {
      method: "POST",
      path: /^\/hooks\/[\w-]+$/,
      body: z.strictObject({
        text: text(16_383).refine(namesNoOne(/@(all|channel|here)\b/), "mentions all"),
        channel: text(64).optional(),
        username: text(64).optional(),
      }),
      act(call, kept) {
        show(call, kept);
        return say(200, "ok");
      },
    },
  ],
};

const matrixContract: Contract = {
  kind: "matrix",
  reporter: (url, more) => matrix({ name: "r", url, token: "mx-t0ken", room: "!room:example.org", ...more }),
  isAllowed: ({ headers }) => headers.authorization === "Bearer mx-t0ken",
  shown: 1,
  limited: { status: 429, body: { errcode: "M_LIMIT_EXCEEDED", error: "Too many requests", retry_after_ms: 2000 } },
  limitMs: 2000,
  revoked: { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", error: "Invalid access token passed." } },
  routes: [
    {
      method: "PUT",
      path: /^\/_matrix\/client\/v3\/rooms\/!room%3Aexample.org\/send\/m\.room\.message\/[\w.~-]{1,255}$/,
      body: z
        .strictObject({
          msgtype: z.enum(["m.text", "m.notice"]),
          "m.mentions": z.strictObject({}),
          body: text(60_000),
          format: z.literal("org.matrix.custom.html").optional(),
          formatted_body: text(60_000).optional(),
        })
        // An event has 65,536 bytes at most, with all that servers add to it.
        .refine((one) => Buffer.byteLength(JSON.stringify(one)) <= 60_000, "is too long"),
      // The same transaction again is the same event.
      act(call, kept) {
        kept.set(call.path, call.body);
        return { body: { event_id: `$${call.path.length}:example.org` } };
      },
    },
  ],
};

const zulipContract: Contract = {
  kind: "zulip",
  reporter: (url, more) =>
    zulip({ name: "r", url, email: "bot@example.org", key: "k3y-of-the-bot", stream: "builds", ...more }),
  isAllowed: ({ headers }) =>
    headers.authorization === `Basic ${Buffer.from("bot@example.org:k3y-of-the-bot").toString("base64")}` &&
    headers["content-type"] === "application/x-www-form-urlencoded",
  shown: 2,
  limited: {
    status: 429,
    body: { result: "error", code: "RATE_LIMIT_HIT", msg: "API usage exceeded rate limit", "retry-after": 28.7 },
  },
  limitMs: 28_700,
  revoked: { status: 401, body: { result: "error", code: "INVALID_API_KEY", msg: "Invalid API key" } },
  routes: [
    {
      method: "POST",
      path: /^\/api\/v1\/messages$/,
      body: z.strictObject({
        type: z.enum(["stream", "channel"]),
        to: text(60),
        topic: text(60),
        content: text(10_000).refine(namesNoOne(/@\*\*/), "mentions someone"),
      }),
      act(call, kept) {
        show(call, kept);
        return { body: { result: "success", msg: "", id: 42 } };
      },
    },
  ],
};

const card = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("TextBlock"),
    text: text(28_000),
    wrap: z.boolean(),
    size: z.enum(["Small", "Default", "Medium", "Large"]).optional(),
    weight: z.enum(["Lighter", "Default", "Bolder"]).optional(),
    color: z.enum(["Default", "Good", "Warning", "Attention", "Accent"]).optional(),
    fontType: z.enum(["Default", "Monospace"]).optional(),
    spacing: z.enum(["None", "Small", "Default", "Medium"]).optional(),
  }),
  z.strictObject({
    type: z.literal("FactSet"),
    facts: z.array(z.strictObject({ title: text(500), value: text(4000) })).max(60),
  }),
]);

const teamsContract: Contract = {
  kind: "teams",
  reporter: (url, more) => teams({ name: "r", url: `${url}${hook}`, ...more }),
  isAllowed: (call) => isHook(call) && isJson(call),
  shown: 2,
  limited: { status: 429, headers: { "retry-after": "5" }, body: { error: { code: "RateLimit", message: "Slow" } } },
  limitMs: 5000,
  revoked: { status: 404, body: { error: { code: "WorkflowNotFound", message: "The workflow could not be found." } } },
  routes: [
    {
      method: "POST",
      path: /^\/hooks\/[\w-]+$/,
      body: z
        .strictObject({
          type: z.literal("message"),
          attachments: z.tuple([
            z.strictObject({
              contentType: z.literal("application/vnd.microsoft.card.adaptive"),
              contentUrl: z.null(),
              content: z.strictObject({
                $schema: z.literal("http://adaptivecards.io/schemas/adaptive-card.json"),
                type: z.literal("AdaptiveCard"),
                version: z.enum(["1.2", "1.3", "1.4", "1.5"]),
                msteams: z.strictObject({ width: z.literal("Full") }).optional(),
                body: z.array(card).min(1),
                actions: z.array(z.strictObject({ type: z.literal("Action.OpenUrl"), title: text(50), url: page })),
              }),
            }),
          ]),
        })
        .refine((one) => Buffer.byteLength(JSON.stringify(one)) <= 28 * 1024, "is longer than 28 KB"),
      act(call, kept) {
        show(call, kept);
        return (response) => response.writeHead(202).end();
      },
    },
  ],
};

/** What Telegram shows of its HTML: without the tags that it knows, and with the four entities read. */
function shownByTelegram(html: string): string {
  return html.replaceAll(/<\/?(?:b|i|pre|code)>|<a href="[^"<>]*">|<\/a>/g, "").replaceAll(/&(lt|gt|amp|quot);/g, "x");
}

const telegramContract: Contract = {
  kind: "telegram",
  reporter: (url, more) => telegram({ name: "r", url, token: "1:s3cret-of-the-bot", chat: -5, ...more }),
  isAllowed: (call) => call.path.startsWith("/bot1:s3cret-of-the-bot/") && isJson(call),
  shown: 2,
  limited: {
    status: 429,
    body: { ok: false, error_code: 429, description: "Too Many Requests", parameters: { retry_after: 7 } },
  },
  limitMs: 7000,
  revoked: { status: 401, body: { ok: false, error_code: 401, description: "Unauthorized" } },
  routes: [
    {
      method: "POST",
      path: /\/sendMessage$/,
      body: z.strictObject({
        chat_id: z.union([z.int(), z.string().startsWith("@")]),
        text: z
          .string()
          .min(1)
          .refine((one) => shownByTelegram(one).length <= 4096, "is too long")
          .refine((one) => !/[<>&]/.test(shownByTelegram(one)), "has a tag or entity that Telegram does not know"),
        parse_mode: z.literal("HTML"),
        link_preview_options: z.strictObject({ is_disabled: z.boolean() }),
      }),
      act(call, kept) {
        show(call, kept);
        return { body: { ok: true, result: { message_id: kept.size } } };
      },
    },
  ],
};

export const chats: readonly Contract[] = [
  slackContract,
  discordContract,
  mattermostContract,
  matrixContract,
  zulipContract,
  teamsContract,
  telegramContract,
];
