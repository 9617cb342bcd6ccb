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
    .describe("Whether all users who may upload a change are trusted: if not, unmerged changes count as a fork's."),
  baseUrl: z.string().default("").describe("Base URL of repositories, such as https://gerrit.example.org."),
});

type Options = z.output<typeof options>;

// Strict only about required data: invalid optional data is ignored.
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
  // For change-merged: the branch's new commit, which Gerrit may have created itself.
  newRev: text,
  eventCreatedOn: number,
});

/** Events of Gerrit's plugin `webhooks`. It signs nothing: a secret is the URL's parameter `token`. */
export default defineHook({
  type: "gerrit",
  options,
  warnings: (options) =>
    warnOfForge(options, options.trustUploaders ? null : "unmerged changes, which anyone who may upload can create"),
  authenticate: (options) => checkToken(options, "parameter token", ({ query }) => query.get("token") ?? undefined),
  // Gerrit sends no ids; a repetition has the same body, which contains the event's time.
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
  // Some releases omit "refs/heads/".
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
        // Gerrit has no forks: anyone who may upload adds code that has not been reviewed.
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
