import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { contentOf, defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import {
  flag,
  flatten,
  isNoCommit,
  nameAndMail,
  number,
  parsePayload,
  perhaps,
  readPayload,
  readRef,
  text,
  timeOf,
} from "../hook-payload.ts";
import { pullRequestProperties } from "../hook-pull-request.ts";
import { checkToken } from "../hook-signature.ts";
import { warnOfForge } from "../hook-warnings.ts";

const options = hookOptions({
  ...forgeShape,
  events: z
    .array(z.string())
    .default(["patchset-created", "ref-updated"])
    .describe("Types of events that are changes; others may be change-merged, comment-added, change-restored, …"),
  trustUploaders: z
    .boolean()
    .default(false)
    .describe("Whether everybody who may upload a change is trusted: if not, what is not merged counts as a fork's."),
  baseUrl: z.string().default("").describe("Where repositories are cloned from, such as https://gerrit.example.org."),
});

type Options = z.output<typeof options>;

// Strict only about what an event cannot do without: what is not known of the rest is left out.
const account = perhaps(z.object({ name: text, email: text, username: text }));

const refUpdated = z.object({
  submitter: account,
  refUpdate: z.object({ newRev: z.string(), refName: z.string(), project: z.string() }),
  eventCreatedOn: number,
});

const ofChange = z.object({
  change: z.object({
    project: z.string(),
    branch: z.string(),
    number: z.coerce.number().int(),
    subject: text,
    commitMessage: text,
    url: text,
    owner: account,
    hashtags: perhaps(z.array(z.string())),
    wip: flag,
  }),
  patchSet: z.object({
    revision: z.string(),
    ref: z.string().startsWith("refs/changes/", 'must begin with "refs/changes/"'),
    author: account,
    uploader: account,
  }),
  // Of change-merged: what the branch is now. Gerrit may have made a commit of its own.
  newRev: text,
  eventCreatedOn: number,
});

/** Events that Gerrit's plugin `webhooks` sends. It signs nothing: a secret is the parameter `token` of the address. */
export default defineHook({
  type: "gerrit",
  options,
  warnings: (options) =>
    warnOfForge(
      options,
      options.trustUploaders ? null : "changes that are not merged, which anybody who may upload can make",
    ),
  authenticate: (options) => checkToken(options, "parameter token", ({ query }) => query.get("token") ?? undefined),
  // It gives no ids; a repetition has the same body, with the event's time in it.
  delivery: contentOf,
  parse(request, options) {
    const payload = readPayload(request);
    const { type } = payload;
    if (typeof type !== "string") return { ignored: "no type" };
    if (!options.events.includes(type)) return { ignored: `event ${type}` };
    return type === "ref-updated" ? parseRefUpdated(payload, options) : parseChange(payload, type, options);
  },
});

function parseRefUpdated(payload: Payload, options: Options): HookAnswer {
  const { submitter, refUpdate, eventCreatedOn } = parsePayload(refUpdated, payload, "ref-updated");
  const { newRev, project, refName } = refUpdate;
  // Some releases leave "refs/heads/" out.
  const place = readRef(refName.startsWith("refs/") ? refName : `refs/heads/${refName}`);
  if (!place) return { ignored: `not a branch or tag: ${refName}` };
  if (isNoCommit(newRev)) return { ignored: `${place.name} was deleted` };
  const change: NewChange = {
    author: nameOf(submitter),
    comments: `Gerrit: ${place.name} is now ${newRev}`,
    branch: place.name,
    revision: newRev,
    category: "ref-updated",
    properties: { event: "ref-updated", ...flatten("event", payload) },
    ...whereOf(project, options),
    ...timeOf(eventCreatedOn),
  };
  return applyOptions({ changes: [change], kind: place.kind, branch: place.name, headline: "" }, payload, options);
}

function parseChange(payload: Payload, type: string, options: Options): HookAnswer {
  const { change, patchSet, newRev, eventCreatedOn } = parsePayload(ofChange, payload, type);
  const { project, branch, number } = change;
  const subject = change.subject ?? "";
  const isMerged = type === "change-merged";
  const described: NewChange = {
    author: nameOf(patchSet.author ?? patchSet.uploader ?? change.owner),
    comments: change.commitMessage ?? subject,
    branch: isMerged ? branch : patchSet.ref,
    revision: isMerged ? (newRev ?? patchSet.revision) : patchSet.revision,
    revlink: change.url ?? "",
    category: type,
    properties: {
      event: type,
      ...flatten("event", payload),
      ...pullRequestProperties({
        number,
        title: subject,
        url: change.url ?? "",
        owner: change.owner?.username ?? change.owner?.name ?? "",
        branch: patchSet.ref,
        head: patchSet.revision,
        headRepository: project,
        base: branch,
        labels: change.hashtags ?? [],
        // Gerrit has no forks: whoever may upload brings code that no one has looked at.
        isFork: !isMerged && !options.trustUploaders,
        isDraft: change.wip,
      }),
    },
    ...whereOf(project, options),
    ...timeOf(eventCreatedOn),
  };
  const kind = isMerged ? "push" : "pull request";
  return applyOptions({ changes: [described], kind, branch, headline: subject }, payload, options);
}

function whereOf(project: string, { baseUrl }: Options) {
  return { project, repository: baseUrl === "" ? project : `${baseUrl.replace(/\/$/, "")}/${project}` };
}

function nameOf(person: z.output<typeof account>): string {
  return nameAndMail({ name: person?.name ?? person?.username, email: person?.email });
}
