import { renderable } from "@multimaster/config";
import { positiveDuration, withTimeLimit } from "@multimaster/core";
import { z } from "zod";
import { defineLatentWorker, type InstanceLabels, type ProviderContext } from "../define-latent-worker.ts";
import { readRoleKeys } from "./ec2/credentials.ts";
import { Ec2Api, Ec2Refused } from "./ec2/ec2-api.ts";
import { startScript, writeUserData } from "./ec2/user-data.ts";
import { masterUrl } from "./options/master-url.ts";

const tagNames = {
  cluster: "multimaster.cluster",
  latent: "multimaster.latent",
  worker: "multimaster.worker",
  instance: "multimaster.instance",
} as const;

const url = z
  .string()
  .regex(/^https?:\/\/[^\s/?#@]+(\/\S*)?$/, 'must be a URL without a login, such as "https://ec2.example"');
const idOf = (prefix: string, pattern: RegExp) =>
  z.string().regex(pattern, `must be an id that begins with "${prefix}-"`);
/** What EC2 takes for user data, in bytes; the login is in it, too. */
const longestUserData = 16_384;
const longestScript = 14_000;
const script = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= longestScript, "must be at most 14,000 bytes long: EC2 takes no more")
  .refine(
    (text) => !/^(#!(?!\s*\/bin\/sh\b)|#cloud-config|<|Content-Type:|MIME-Version:)/i.test(text),
    "must be a script for sh: a first line for another program is not read, since the login stands before it",
  );
/** EC2 takes 50; five are this program's. */
const mostTags = 45;

/** Starts workers as instances of Amazon EC2, or of a cloud that answers the same API. */
export default defineLatentWorker({
  type: "ec2",
  options: {
    region: z
      .string()
      .regex(/^[a-z0-9-]+$/, 'must be a region, such as "eu-central-1"')
      .describe("The region, such as eu-central-1."),
    launchTemplate: renderable(z.string().regex(/^[\w().\-/]+$/, "must be the name or the id of a launch template"))
      .optional()
      .describe("Name or id of a launch template; what is set beside it wins over what it says."),
    launchTemplateVersion: z
      .string()
      .regex(/^([1-9]\d*|\$Latest|\$Default)$/, 'must be a number in quotes, "$Latest" or "$Default"')
      .optional()
      .describe("Its version, or $Latest; absent: its default version."),
    image: renderable(idOf("ami", /^ami-[0-9a-z]+$/))
      .optional()
      .describe("Id of the image of the machines."),
    instanceType: renderable(
      z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'must be a type of machines, such as "c7g.large"'),
    )
      .optional()
      .describe("Type of the machines, such as c7g.large."),
    subnet: renderable(idOf("subnet", /^subnet-[0-9a-z]+$/))
      .optional()
      .describe("Id of their subnet."),
    securityGroups: renderable(z.array(idOf("sg", /^sg-[0-9a-z]+$/)))
      .default([])
      .describe("Ids of their security groups."),
    spot: renderable(z.boolean())
      .default(false)
      .describe("Spot instances: cheaper, and ended by the cloud at any time; their builds run again."),
    script: renderable(script)
      .optional()
      .describe(
        "What sh runs as root at the first start, with MASTER_URL, WORKER_NAME and WORKER_PASSWORD in its environment; absent: starts multimaster-worker.",
      ),
    tags: renderable(
      z
        .record(
          z
            .string()
            .regex(
              /^(?!aws:|multimaster\.|name$).{1,128}$/i,
              'must have 1 to 128 characters, be another word than "Name", and not begin with "aws:" or "multimaster."',
            ),
          z.string().max(256),
        )
        .refine((tags) => Object.keys(tags).length <= mostTags, `must be at most ${mostTags}: EC2 takes no more`),
    )
      .default({})
      .describe("Further tags of the machines."),
    masterUrl: masterUrl.describe("URL at which engines accept workers, as seen from these machines."),
    accessKeyId: z.string().min(1).optional().describe("Access key; absent: the role of the engine's own machine."),
    secretAccessKey: z.string().min(1).optional().describe("Its secret."),
    sessionToken: z.string().min(1).optional().describe("Its session token, of a key that expires."),
    endpoint: url.optional().describe("Where the API answers; absent: that of Amazon in this region."),
    metadataUrl: url
      .default("http://169.254.169.254")
      .describe("Where the engine's machine is asked for the keys of its role."),
    timeout: positiveDuration.prefault("1m").describe("Longest time for one request to the API."),
  },
  reach: () => null,
  masterUrlOf: ({ masterUrl }) => masterUrl,
  problems: ({ launchTemplate, image, launchTemplateVersion, accessKeyId, secretAccessKey, sessionToken }) => [
    ...(launchTemplate === undefined && image === undefined
      ? [{ path: ["image"], sentence: "is missing, and so is launchTemplate: one of them names the image" }]
      : []),
    ...(launchTemplateVersion !== undefined && launchTemplate === undefined
      ? [{ path: ["launchTemplate"], sentence: "is missing: launchTemplateVersion belongs to it" }]
      : []),
    ...(accessKeyId === undefined && (secretAccessKey ?? sessionToken) !== undefined
      ? [{ path: ["accessKeyId"], sentence: "is missing: its secret is set" }]
      : []),
    ...(accessKeyId !== undefined && secretAccessKey === undefined
      ? [{ path: ["secretAccessKey"], sentence: "is missing: accessKeyId is set" }]
      : []),
  ],
  warnings: ({ endpoint, masterUrl: to, script: own }) => [
    ...(endpoint?.startsWith("http:")
      ? [{ path: ["endpoint"], sentence: "is not encrypted: workers' passwords can be read on the way; use https:" }]
      : []),
    ...(own === undefined && /^(ws|http):/.test(to) && !/^\w+:\/\/(localhost|127\.|\[::1\])/.test(to)
      ? [
          {
            path: ["masterUrl"],
            sentence:
              "is not encrypted, so multimaster-worker does not connect to it: use wss:, or set a script that starts it with --insecure",
          },
        ]
      : []),
  ],
  async start(ctx, options, instance) {
    const api = await openApi(ctx, options);
    const {
      launchTemplate,
      image,
      instanceType,
      subnet,
      securityGroups,
      spot,
      tags,
      script: given = startScript,
    } = options as Rendered;
    const { masterUrl, worker, secret, instanceid } = instance;
    const named = {
      ...tags,
      Name: worker,
      [tagNames.cluster]: ctx.labels.cluster,
      [tagNames.latent]: ctx.labels.latent,
      [tagNames.worker]: worker,
      [tagNames.instance]: String(instanceid),
    };
    const userData = Buffer.from(writeUserData(given, { masterUrl, worker, secret }));
    if (userData.length > longestUserData)
      throw new Error(
        `script and masterUrl make ${userData.length} bytes of user data, and EC2 takes ${longestUserData}: shorten them`,
      );
    const id = await api.run({
      // A request that is sent again starts no second instance.
      ClientToken: `${ctx.labels.cluster}-${instanceid}`,
      ...(launchTemplate !== undefined && {
        LaunchTemplate: {
          [/^lt-[0-9a-f]{8,}$/.test(launchTemplate) ? "LaunchTemplateId" : "LaunchTemplateName"]: launchTemplate,
          Version: options.launchTemplateVersion,
        },
      }),
      ImageId: image,
      InstanceType: instanceType,
      SubnetId: subnet,
      SecurityGroupId: securityGroups,
      ...(spot && { InstanceMarketOptions: { MarketType: "spot" } }),
      // A machine that shuts itself down is gone.
      InstanceInitiatedShutdownBehavior: "terminate",
      UserData: userData.toString("base64"),
      TagSpecification: [
        { ResourceType: "instance", Tag: Object.entries(named).map(([Key, Value]) => ({ Key, Value })) },
      ],
    });
    instance.output(`started EC2 instance ${id}\n`);
    return id;
  },
  async stop(ctx, options, id) {
    const api = await openApi(ctx, options);
    await api.terminate(id).catch((error: unknown) => {
      if (!(error instanceof Ec2Refused && error.code === "InvalidInstanceID.NotFound")) throw error;
    });
  },
  async list(ctx, options) {
    const { cluster, latent } = ctx.labels;
    const api = await openApi(ctx, options);
    const found = await api.list({ [tagNames.cluster]: cluster, [tagNames.latent]: latent });
    return found
      .filter(({ tags }) => carries(tags, ctx.labels))
      .map(({ id, state, tags, reason }) => {
        const instanceid = Number(tags[tagNames.instance]);
        return {
          id,
          instanceid: Number.isInteger(instanceid) ? instanceid : undefined,
          isAlive: state === "pending" || state === "running",
          ...(reason !== undefined && { lastWords: reason }),
        };
      });
  },
  async whyGone(ctx, options, id) {
    const api = await openApi(ctx, options);
    const instance = await api.read(id);
    return instance && /^(shutting-down|terminated)$/.test(instance.state)
      ? (instance.reason ?? `it is ${instance.state}`)
      : undefined;
  },
});

interface Rendered {
  readonly launchTemplate?: string;
  readonly image?: string;
  readonly instanceType?: string;
  readonly subnet?: string;
  readonly securityGroups: readonly string[];
  readonly spot: boolean;
  readonly script?: string;
  readonly tags: Readonly<Record<string, string>>;
}

interface AccountOptions {
  readonly region: string;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly metadataUrl: string;
  readonly timeout: number;
}

async function openApi({ signal }: ProviderContext, options: AccountOptions): Promise<Ec2Api> {
  const { region, accessKeyId, secretAccessKey = "", sessionToken, metadataUrl, timeout: timeoutMs } = options;
  const keys =
    accessKeyId === undefined
      ? await withTimeLimit(timeoutMs, signal, (limited) => readRoleKeys(metadataUrl, limited))
      : { accessKeyId, secretAccessKey, sessionToken };
  const endpoint = options.endpoint ?? `https://ec2.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}/`;
  return new Ec2Api({ endpoint, region, keys, timeoutMs, signal });
}

function carries(tags: Readonly<Record<string, string>>, { cluster, latent }: InstanceLabels): boolean {
  return tags[tagNames.cluster] === cluster && tags[tagNames.latent] === latent;
}
