import { asSpecial, entriesOf, isSpecial, textsOf, type Value } from "../document.ts";
import { differs, dropped, lost, plain, type Rule, seconds } from "../rules.ts";
import { type Entry, literal, object } from "../source-file.ts";
import { describe } from "../values.ts";
import { type ClassMapping, ignored, type Mappings } from "./class-mapping.ts";

const optional =
  (rule: Rule): Rule =>
  (value, scope, args, name) =>
    value === null ? [] : rule(value, scope, args, name);

/** Whom Buildbot writes to when a worker is missing: the first is its owner. */
const owner: Rule = (value) => {
  const [first] = textsOf(value) ?? [];
  return first === undefined ? [] : [["owner", literal(first)]];
};

const common: Readonly<Record<string, Rule>> = {
  name: plain(),
  max_builds: (value) => (typeof value === "number" ? [["maxBuilds", literal(value)]] : []),
  properties: optional(plain()),
  defaultProperties: lost("add them to properties, or to the builders"),
  locks: lost("give the builders the lock: docs/locks.md"),
  machine_name: lost("use a latent worker, or wake the machine by other means"),
};

const attached: Readonly<Record<string, Rule>> = {
  ...common,
  password: plain(),
  notify_on_missing: owner,
  missing_timeout: seconds("missingTimeout"),
  keepalive_interval: seconds("keepAlive"),
};

/** After how long without a build an instance ends; with 0 each build has its own. */
const buildWait: Rule = (value) => {
  if (value === 0) return [];
  return [
    ...(typeof value === "number" && value > 0 ? ([["idleTime", literal(value)]] as Entry[]) : []),
    ["buildsPerInstance", "null"],
  ];
};

const latent: Readonly<Record<string, Rule>> = {
  ...common,
  build_wait_timeout: buildWait,
  missing_timeout: seconds("startTimeout"),
  ...ignored(
    "password",
    "notify_on_missing",
    "keepalive_interval",
    "masterFQDN",
    "master_protocol",
    "followStartupLogs",
  ),
};

/** Where instances find the engines. Buildbot's name of the master is used, if it was given. */
const masterUrl: ClassMapping["more"] = (args, scope) => {
  const host = typeof args["masterFQDN"] === "string" ? args["masterFQDN"] : "localhost";
  scope.note("its instances connect to MASTER_URL", "set it to the address of the engines, or of their balancer");
  return [["masterUrl", `${scope.file.named("env")}("MASTER_URL", ${JSON.stringify(`ws://${host}:9989`)})`]];
};

const text: Rule = (value, scope, _, name) => {
  if (typeof value === "string") return [[name, literal(value)]];
  if (value !== null) scope.todo(`its ${name} is ${describe(value)}`, "write a function of the build request");
  return [];
};

const image: Rule = (value, scope, args) => {
  const [entry] = text(value, scope, args, "image");
  return [entry ?? ["image", literal("unknown")]];
};

const buildWaitDefault: readonly Entry[] = [["buildsPerInstance", "null"]];

const withheld =
  (option: string): Rule =>
  (value, scope, _, name) => {
    const secret = asSpecial(value, "withheld");
    return secret === undefined ? [] : [[option, scope.withheld(secret.id, name)]];
  };

/** Workers. Those of other classes are written as ones that connect by themselves. */
export const workers: Mappings = {
  Worker: { to: "worker", options: attached },
  LocalWorker: {
    to: "worker",
    options: { ...attached, password: dropped, workdir: dropped, usePTY: dropped, umask: dropped },
    defaults: [["local", "true"]],
  },
  DockerLatentWorker: {
    to: "latent-workers/docker",
    options: {
      ...latent,
      docker_host: (value) => (typeof value === "string" ? [["hosts", literal([{ url: dockerUrl(value) }])]] : []),
      image,
      command: (value) => (Array.isArray(value) && value.length > 0 ? [["command", literal(value)]] : []),
      volumes: (value) => {
        const list = textsOf(value);
        return list === undefined || list.length === 0 ? [] : [["volumes", literal(list)]];
      },
      hostconfig: (value, scope, args, name) =>
        Object.keys(entriesOf(value) ?? {}).length === 0
          ? []
          : lost("write hostConfig with the names of Docker's API")(value, scope, args, name),
      autopull: dropped,
      alwaysPull: (value) => (value === true ? [["pull", literal("always")]] : []),
      dockerfile: lost("build the image before, and name it as image"),
      tls: lost("write ca, cert and key of hosts"),
      ...ignored("version", "custom_context", "encoding", "buildargs", "hostname"),
    },
    more: masterUrl,
    defaults: buildWaitDefault,
  },
  EC2LatentWorker: {
    to: "latent-workers/ec2",
    options: {
      ...latent,
      region: (value, scope, args) => text(value, scope, args, "region"),
      ami: (value, scope, args) => text(value, scope, args, "image"),
      instance_type: (value, scope, args) => text(value, scope, args, "instanceType"),
      subnet_id: (value, scope, args) => text(value, scope, args, "subnet"),
      security_group_ids: (value) => (Array.isArray(value) ? [["securityGroups", literal(value)]] : []),
      spot_instance: (value) => (value === true ? [["spot", "true"]] : []),
      tags: optional(plain()),
      identifier: (value) => (typeof value === "string" ? [["accessKeyId", literal(value)]] : []),
      secret_identifier: withheld("secretAccessKey"),
      user_data: lost("write script: it gets MASTER_URL, WORKER_NAME and WORKER_PASSWORD_FILE"),
      ...ignored(
        "keypair_name",
        "security_name",
        "placement",
        "max_spot_price",
        "price_multiplier",
        "valid_ami_owners",
      ),
    },
    more: masterUrl,
    defaults: [
      ["buildsPerInstance", "null"],
      ["region", literal("us-east-1")],
    ],
  },
  KubeLatentWorker: {
    to: "latent-workers/kubernetes",
    options: {
      ...latent,
      image: (value, scope, args) => text(value, scope, args, "image"),
      namespace: (value, scope, args) => text(value, scope, args, "namespace"),
      kube_config: differs(
        "without `server`, the API server of the cluster in which the master runs is used",
        "write server otherwise",
      ),
      kube_extra_labels: lost("write template: { metadata: { labels } }"),
    },
    more: masterUrl,
    defaults: buildWaitDefault,
  },
};

const dockerUrl = (host: string) =>
  host.startsWith("unix://")
    ? `unix:///${host.slice("unix://".length).replace(/^\/+/, "")}`
    : host.replace(/^tcp:/, "https:");

/** Places from which steps get secrets. `asked`: the secrets that steps of the farm use. */
export const secretProviders: Mappings = {
  SecretInAFile: {
    to: "secrets/directory",
    options: {
      dirname: plain("path"),
      strip: plain("trim"),
      suffixes: differs("names of secrets are names of files", "write the names with their suffixes"),
    },
    more: (_, scope) => [["secrets", literal([...scope.secrets.asked])]],
  },
  SecretInPass: {
    to: "secrets/command",
    options: {
      dirname: (value) => (typeof value === "string" ? [["env", literal({ PASSWORD_STORE_DIR: value })]] : []),
      gpgPassphrase: lost("let gpg-agent know it"),
    },
    more: (_, scope) => [
      ["command", literal(["pass", "show", "{}"])],
      ["secrets", literal(Object.fromEntries([...scope.secrets.asked].map((name) => [name, name])))],
      ["firstLine", "true"],
    ],
  },
  HashiCorpVaultKvSecretProvider: {
    to: "secrets/vault",
    options: {
      vault_server: plain("address"),
      secrets_mount: optional(plain("mount")),
      api_version: plain("version"),
      authenticator: (value, scope) => {
        if (!isSpecial(value) || value.is !== "object") return [];
        const secretOf = (name: string, wish: string): Entry => {
          const given = asSpecial(value.args[name], "withheld");
          return [wish, given ? scope.withheld(given.id, `vault_${wish}`) : literal(asText(value.args[name]))];
        };
        return [
          [
            "auth",
            object(
              value.base === "VaultAuthenticatorApprole"
                ? [secretOf("roleId", "roleId"), secretOf("secretId", "secretId")]
                : [secretOf("token", "token")],
            ),
          ],
        ];
      },
      ...ignored("path_delimiter", "path_escape"),
    },
    more: (_, scope) => [
      [
        "secrets",
        literal(
          Object.fromEntries(
            [...scope.secrets.asked].map((name) => {
              const [path = "", field] = name.split("|");
              return [name, field === undefined ? { path } : { path, field }];
            }),
          ),
        ),
      ],
    ],
  },
};

const asText = (value: Value | undefined): string => (typeof value === "string" ? value : "");
