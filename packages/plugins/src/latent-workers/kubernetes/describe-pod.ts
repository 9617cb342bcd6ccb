import { z } from "zod";

/** The container of a pod that is the worker. */
export const workerContainer = "worker";

const container = z.looseObject({
  name: z.string().min(1).describe("Its name."),
  env: z.array(z.json()).optional().describe("Its variables; those of the worker are added."),
});

/** A pod without what this program sets; the API server checks the rest of it. */
export const podTemplate = z.strictObject({
  metadata: z
    .strictObject({
      labels: z.record(z.string(), z.string()).optional().describe("Further labels of the pod."),
      annotations: z.record(z.string(), z.string()).optional().describe("Annotations of the pod."),
    })
    .optional()
    .describe("Further labels and annotations."),
  spec: z
    .looseObject({
      containers: z
        .array(container)
        .optional()
        .describe("The containers; other fields of theirs are as in a manifest."),
    })
    .optional()
    .describe("The spec of the pod, as in a manifest."),
});

export type PodTemplate = z.output<typeof podTemplate>;

export interface PodParts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string | undefined;
  readonly command: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly template: PodTemplate;
}

/** The manifest of an instance: the template, with the labels and the login of the worker. */
export function describePod({ name, labels, image, command, env, template }: PodParts) {
  const { metadata = {}, spec = {} } = template;
  const given = spec.containers ?? [];
  const found = given.find((one) => one.name === workerContainer);
  const [only] = given.length === 1 ? given : [];
  const own = found ?? only;
  if (given.length > 0 && !own)
    throw new Error(`no container of the template is called "${workerContainer}": name the one that is the worker so`);
  const worker = {
    ...own,
    name: workerContainer,
    ...(image !== undefined && { image }),
    ...(command !== undefined && { command }),
    env: [...(own?.env ?? []), ...Object.entries(env).map(([variable, value]) => ({ name: variable, value }))],
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, name, labels: { ...metadata.labels, ...labels } },
    spec: {
      // A build is not to speak with the API server unless the template says so.
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...spec,
      // One that has ended is over: its password is of one instance.
      restartPolicy: "Never",
      containers: [worker, ...given.filter((one) => one !== own)],
    },
  };
}
