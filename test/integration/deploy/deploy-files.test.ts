import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseAllDocuments, parse as parseYaml } from "yaml";
import { z } from "zod";
import { makeCertificate } from "../../harness/certificate.ts";
import { aroundStream } from "../../harness/nginx.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { findBalancer } from "../../setup.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const deploy = join(root, "configs/deploy");
const read = (path: string) => readFileSync(join(deploy, path), "utf8");
const roles = ["scheduler", "builder-engine", "ui"];

/** Runs a program that checks a file; fails with what it said. */
function check(program: string, args: readonly string[], env: Record<string, string> = {}): string {
  const run = spawnSync(program, args, { encoding: "utf8", env: { ...process.env, ...env } });
  const said = `${run.stdout}${run.stderr}`;
  expect(run.status, said).toBe(0);
  return said;
}

describe("the balancers' own checks approve of their configs", () => {
  const haproxy = findBalancer("haproxy") ?? "";
  const file = join(deploy, "haproxy/haproxy.cfg");

  it.each([
    ["without TLS", () => ({})],
    ["with TLS", () => ({ TLS_CERTIFICATE: makeCertificate().both })],
    ["asking for addresses at run time", () => ({ RESOLVE_AT_RUN_TIME: "1" })],
    ["naming workers' addresses", () => ({ PROXY_PROTOCOL: "1" })],
  ])("HAProxy %s", (_, env) => {
    expect(check(haproxy, ["-c", "-f", file], env())).not.toContain("ALERT");
  });

  it("HAProxy that forwards TLS to the engines", () => {
    expect(check(haproxy, ["-c", "-f", join(deploy, "haproxy/workers-tls.cfg")])).not.toContain("ALERT");
  });

  it.each([false, true])("nginx, with TLS: %s", (tls) => {
    const directory = temporaryDirectory("nginx-check");
    const { key, certificate } = makeCertificate();
    // A checker opens what it finds: ports above 1024, and hosts that exist.
    let text = read("nginx/multimaster.conf")
      .replaceAll(/server (engine|ui)-\d:/g, "server 127.0.0.1:")
      .replace("listen 80;", "listen 18080;")
      .replaceAll("/etc/nginx/multimaster.key", key)
      .replaceAll("/etc/nginx/multimaster.crt", certificate);
    if (tls)
      text = text
        .replace(/^ {2}listen 9989 .*\n/m, "")
        .replaceAll(/^#tls/gm, "")
        .replace("listen 443", "listen 18443");
    writeFileSync(join(directory, "multimaster.conf"), text);
    writeFileSync(
      join(directory, "nginx.conf"),
      `pid ${directory}/pid;\nerror_log stderr;\nevents {}\nhttp { access_log off; include multimaster.conf; }\n`,
    );
    const said = check(findBalancer("nginx") ?? "", ["-t", "-p", directory, "-c", join(directory, "nginx.conf")]);
    expect(said).toContain("test is successful");
  });
});

it.each([false, true])("nginx approves of the file for workers of both protocols, with TLS: %s", (tls) => {
  const directory = temporaryDirectory("nginx-check");
  const { key, certificate } = makeCertificate();
  let text = read("nginx/workers-stream.conf")
    .replaceAll(/server engine-\d:/g, "server 127.0.0.1:")
    .replaceAll("/etc/nginx/multimaster.key", key)
    .replaceAll("/etc/nginx/multimaster.crt", certificate);
  if (tls) text = text.replace(/^ {2}listen 9989 .*\n/m, "").replaceAll(/^#tls/gm, "");
  writeFileSync(join(directory, "workers-stream.conf"), text.replace("listen 9989", "listen 18989"));
  writeFileSync(join(directory, "nginx.conf"), aroundStream(directory));
  const said = check(findBalancer("nginx") ?? "", ["-t", "-p", directory, "-c", join(directory, "nginx.conf")]);
  expect(said).toContain("test is successful");
});

it.each(["X-Forwarded-User", "Remote-User", "X-Remote-User", "X-Auth-Request-User", "X-Auth-Request-Groups"])(
  "the balancers pass on no client's own %s, which may carry a login",
  (header) => {
    const [, users = ""] = read("haproxy/haproxy.cfg").split("frontend users");
    const dropped = [...users.matchAll(/^ {2}http-request del-header (\S+) -m beg$/gm)].map((match) => match[1] ?? "");
    expect(dropped.some((beginning) => header.startsWith(beginning))).toBe(true);
    expect(read("nginx/multimaster.conf")).toContain(`proxy_set_header ${header} "";`);
  },
);

it("HAProxy keeps room for users when its ports for workers are full, and the other way round", () => {
  const [all = 0, ...parts] = [...read("haproxy/haproxy.cfg").matchAll(/^ {2}maxconn (\d+)$/gm)].map((m) =>
    Number(m[1]),
  );
  expect(parts).toHaveLength(3);
  expect(parts.reduce((sum, part) => sum + part, 0)).toBeLessThan(all);
});

describe("the systemd unit", () => {
  const unit = read("systemd/multimaster@.service");
  const analyze = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"].find((program) => existsSync(program));

  it("drains on SIGTERM, waits for it, and does not bring back a master that drained", () => {
    for (const line of ["KillSignal=SIGTERM", "KillMode=mixed", "TimeoutStopSec=2h", "Restart=on-failure"])
      expect(unit.split("\n")).toContain(line);
  });

  it.skipIf(analyze === undefined)("is approved of by systemd", () => {
    const file = join(temporaryDirectory("unit"), "multimaster@engine-1.service");
    const here = unit
      .replace("/usr/bin/node", process.execPath)
      .replace("/opt/multimaster/current/", root)
      .replace(/^(User|Group)=.*$/gm, "$1=root");
    writeFileSync(file, here);
    const said = check(analyze as string, ["verify", file]);
    // It also reports other units that this machine happens to have.
    expect(said.split("\n").filter((line) => line.includes("multimaster"))).toEqual([]);
  });

  it("of a worker gives it its password as a credential, and a user of its own", () => {
    const worker = read("systemd/multimaster-worker@.service");
    for (const line of ["User=multimaster-worker", "LoadCredential=password:/etc/multimaster/%i.password"])
      expect(worker.split("\n")).toContain(line);
    expect(worker).toContain("--password-file ${CREDENTIALS_DIRECTORY}/password");
  });

  it.skipIf(analyze === undefined)("of a worker is approved of by systemd", () => {
    const file = join(temporaryDirectory("unit"), "multimaster-worker@worker-1.service");
    writeFileSync(file, read("systemd/multimaster-worker@.service").replace(/^(User|Group)=.*$/gm, "$1=root"));
    const said = check(analyze as string, ["verify", file]);
    expect(said.split("\n").filter((line) => line.includes("multimaster"))).toEqual([]);
  });

  it("starts a program that is there", () => {
    const path = /current\/(\S+)/.exec(unit)?.[1] ?? "";
    expect(existsSync(join(root, path))).toBe(true);
  });
});

const composeService = z.looseObject({
  image: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  stop_grace_period: z.string().optional(),
  restart: z.string().optional(),
  volumes: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).default([]),
  cap_add: z.array(z.string()).default([]),
  privileged: z.boolean().default(false),
  security_opt: z.array(z.string()).default([]),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.object({ ipv4_address: z.string().optional() }))]),
});
const composeFile = z.looseObject({ services: z.record(z.string(), composeService) });

describe("the compose file", () => {
  const { services } = composeFile.parse(parseYaml(read("compose/compose.yaml"), { merge: true }));
  const masters = Object.entries(services).filter(
    ([, { command }]) => command?.[1] === "start" && command[0] === "master",
  );

  it("has two masters of every role, each with a name of its own and time to drain", () => {
    const names = masters.map(([, { command = [] }]) => command[command.indexOf("--name") + 1]);
    expect(names).toEqual(masters.map(([name]) => name));
    const theirRoles = masters.map(([, { command = [] }]) => command[command.indexOf("--role") + 1]);
    expect(theirRoles.toSorted()).toEqual([...roles, ...roles].toSorted());
    for (const [, service] of masters)
      expect(service).toMatchObject({ stop_grace_period: "2h", restart: "on-failure" });
  });

  it("takes every password from the environment, and env.example names them all", () => {
    const text = read("compose/compose.yaml");
    const used = new Set([...text.matchAll(/\$\{(\w+)/g)].map((match) => match[1]));
    const offered = [...read("compose/env.example").matchAll(/^(\w+)=/gm)].map((match) => match[1]);
    expect([...used].toSorted()).toEqual(offered.toSorted());
    expect([...text.matchAll(/\$\{\w+\}/g)].map(String), "a value without :? may be missing silently").toEqual([]);
  });

  it("grants no container more than it needs", () => {
    // Its image starts as root, takes its volume and becomes another user.
    const added: Record<string, string[]> = { postgres: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"] };
    for (const [name, { cap_drop, cap_add, security_opt, privileged }] of Object.entries(services))
      expect({ cap_drop, cap_add, security_opt, privileged }, name).toEqual({
        cap_drop: ["ALL"],
        cap_add: added[name] ?? [],
        security_opt: ["no-new-privileges:true"],
        privileged: false,
      });
  });

  it("keeps builds away from all but the balancer, and believes the balancer by its address alone", () => {
    const networksOf = (name: string) => {
      const { networks } = services[name] as z.output<typeof composeService>;
      return Array.isArray(networks) ? networks : Object.keys(networks);
    };
    const worker = networksOf("worker-1");
    const reached = Object.keys(services).filter((name) =>
      networksOf(name).some((network) => worker.includes(network)),
    );
    expect(reached.toSorted()).toEqual(["haproxy", "worker-1"]);
    const { networks } = services["haproxy"] as z.output<typeof composeService>;
    const address = Array.isArray(networks) ? undefined : networks["balanced"]?.ipv4_address;
    for (const [, { environment }] of masters) expect(environment?.["TRUSTED_PROXIES"]).toBe(address);
  });

  it("ships with a login, which only its ui masters know", () => {
    for (const [name, { environment }] of masters)
      expect(environment?.["UI_PASSWORD_HASH"] !== undefined, name).toBe(name.startsWith("ui"));
  });

  it("passes the workers' password to engines and workers alone", () => {
    for (const [name, { environment }] of masters)
      expect(environment?.["WORKER_PASSWORD"] !== undefined, name).toBe(name.startsWith("engine"));
  });

  it("mounts files that are there, and its masters listen where the balancer looks for them", () => {
    const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(":")[0]),
    );
    const files = mounted.filter((path) => path?.startsWith("../"));
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((path) => !existsSync(join(deploy, "compose", path ?? "")))).toEqual([]);
    const places = [...read("haproxy/haproxy.cfg").matchAll(/^ {2}server \S+ (\S+)$/gm)].map((match) => match[1]);
    const engines = masters.filter(([name]) => name.startsWith("engine"));
    const uis = masters.filter(([name]) => name.startsWith("ui"));
    for (const [name, { environment }] of engines) expect(places).toContain(`${name}:${environment?.["WORKER_PORT"]}`);
    for (const [name, { environment }] of uis) expect(places).toContain(`${name}:${environment?.["UI_PORT"]}`);
  });
});

it("the image copies and runs what is there", () => {
  const text = read("compose/Dockerfile");
  const programs = [...text.matchAll(/\/opt\/multimaster\/(packages\/\S+\.mjs)/g)].map((match) => match[1] ?? "");
  expect(programs).toHaveLength(2);
  expect(programs.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  // It builds as everybody does, pages included; `npm run test:new-clone` runs these commands.
  expect(text).toContain("npm run build");
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { workspaces: string[] };
  // npm ci wants the package.json of every workspace, also of the tests.
  expect(manifest.workspaces).toContain("test");
  expect(read("compose/Dockerfile.dockerignore").split("\n")).toContain("!test/package.json");
});

const labels = z.record(z.string(), z.string());
const probe = z.looseObject({
  httpGet: z.object({ path: z.string(), port: z.union([z.string(), z.number()]) }).optional(),
});
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
  envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }) })),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  lifecycle: z.object({ preStop: z.object({ exec: z.object({ command: z.array(z.string()) }) }) }).optional(),
  securityContext: z.looseObject({ allowPrivilegeEscalation: z.literal(false) }),
});
const podSpec = z.looseObject({
  terminationGracePeriodSeconds: z.number().optional(),
  automountServiceAccountToken: z.literal(false),
  securityContext: z.looseObject({ runAsNonRoot: z.literal(true) }),
  containers: z.tuple([container]),
});
const ingressPath = z.object({
  path: z.string(),
  pathType: z.enum(["Prefix", "Exact"]),
  backend: z.object({ service: z.object({ name: z.string(), port: z.object({ name: z.string() }) }) }),
});
const selected = z.object({ matchLabels: labels.refine((wanted) => Object.keys(wanted).length > 0) });
const peer = z.union([z.strictObject({ podSelector: selected }), z.strictObject({ namespaceSelector: selected })]);
const object = z.discriminatedUnion("kind", [
  z.looseObject({
    kind: z.literal("Deployment"),
    metadata: z.looseObject({ name: z.string() }),
    spec: z.object({
      replicas: z.number(),
      selector: z.object({ matchLabels: labels }),
      strategy: z.looseObject({ type: z.string() }),
      template: z.object({ metadata: z.object({ labels }), spec: podSpec }),
    }),
  }),
  z.looseObject({
    kind: z.literal("PodDisruptionBudget"),
    spec: z.object({ maxUnavailable: z.literal(1), selector: z.object({ matchLabels: labels }) }),
  }),
  z.looseObject({
    kind: z.literal("Service"),
    metadata: z.looseObject({ name: z.string() }),
    spec: z.object({
      selector: labels.optional(),
      ports: z.array(z.object({ name: z.string(), port: z.number(), targetPort: z.string().optional() })),
    }),
  }),
  z.looseObject({ kind: z.literal("Job"), spec: z.looseObject({ template: z.object({ spec: podSpec }) }) }),
  z.looseObject({ kind: z.literal("Secret"), metadata: z.looseObject({ name: z.string() }), stringData: labels }),
  z.looseObject({
    kind: z.literal("Ingress"),
    spec: z.looseObject({ rules: z.array(z.looseObject({ http: z.object({ paths: z.array(ingressPath) }) })) }),
  }),
  z.looseObject({
    kind: z.literal("NetworkPolicy"),
    spec: z.object({
      podSelector: z.object({ matchLabels: labels }),
      policyTypes: z.tuple([z.literal("Ingress")]),
      // A rule without "from", or one of an empty selector, would let everybody in.
      ingress: z.array(
        z.object({ from: z.array(peer).nonempty(), ports: z.array(z.object({ port: z.string() })).nonempty() }),
      ),
    }),
  }),
  z.looseObject({ kind: z.literal("Kustomization"), resources: z.array(z.string()) }),
]);
type KubernetesObject = z.output<typeof object>;

describe("the Kubernetes files", () => {
  const files = readdirSync(join(deploy, "kubernetes")).filter((name) => name.endsWith(".yaml"));
  const objects = files.flatMap((name) =>
    parseAllDocuments(read(`kubernetes/${name}`)).map((document) => {
      expect(document.errors).toEqual([]);
      return object.parse(document.toJS());
    }),
  );
  const all = <Kind extends KubernetesObject["kind"]>(kind: Kind) =>
    objects.filter((one): one is Extract<KubernetesObject, { kind: Kind }> => one.kind === kind);
  const masters = all("Deployment").filter(({ spec }) => spec.template.spec.containers[0].command?.includes("master"));
  const isOf = (selector: Record<string, string>, own: Record<string, string>) =>
    Object.entries(selector).every(([name, value]) => own[name] === value);

  it("replace every role's masters one by one, a new one first, and let old ones finish", () => {
    expect(masters.map(({ spec }) => spec.template.spec.containers[0].command?.at(-1)).toSorted()).toEqual(
      roles.toSorted(),
    );
    for (const { spec } of masters) {
      expect(spec.replicas).toBeGreaterThan(1);
      expect(spec.strategy).toEqual({ type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
      const { terminationGracePeriodSeconds = 30, containers } = spec.template.spec;
      expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
        containers[0].command?.includes("builder-engine") ? 3600 : 60,
      );
      // Through tini, so that SIGTERM arrives; under the pod's name, which no other master has.
      expect(containers[0].command?.slice(0, 4)).toEqual(["tini", "--", "master", "start"]);
      expect(containers[0].command).toContain("$(POD_NAME)");
    }
  });

  it("send work to masters that are ready, and kill none for being busy", () => {
    const listening = masters.filter(({ spec }) => spec.template.spec.containers[0].ports.length > 0);
    expect(listening).toHaveLength(roles.length);
    for (const { spec } of listening) {
      const { ports, readinessProbe, livenessProbe, lifecycle, env } = spec.template.spec.containers[0];
      expect(readinessProbe?.httpGet).toEqual({ path: "/ready", port: ports[0]?.name });
      expect(livenessProbe?.httpGet).toEqual({ path: "/health", port: ports[0]?.name });
      // No one is sent to a scheduler, so it need not leave a Service before it stops.
      if (ports[0]?.name !== "monitor") expect(lifecycle?.preStop.exec.command[0]).toBe("sleep");
      const told = env.find(({ name }) => /^(UI|WORKER|MONITOR)_PORT$/.test(name))?.value;
      expect(Number(told)).toBe(ports[0]?.containerPort);
    }
  });

  it("select what is there", () => {
    const pods = all("Deployment").map(({ spec }) => spec);
    for (const { selector, template } of pods) expect(isOf(selector.matchLabels, template.metadata.labels)).toBe(true);
    for (const { spec } of all("Service")) {
      const { selector } = spec;
      if (selector === undefined) continue;
      const pod = pods.find(({ template }) => isOf(selector, template.metadata.labels));
      expect(pod?.template.spec.containers[0].ports.map(({ name }) => name)).toEqual(
        spec.ports.map((p) => p.targetPort),
      );
    }
    const guarded = all("PodDisruptionBudget").map(({ spec }) => spec.selector.matchLabels);
    for (const { spec } of masters)
      expect(guarded.filter((selector) => isOf(selector, spec.template.metadata.labels))).toHaveLength(1);
    const secrets = all("Secret").map(({ metadata }) => metadata.name);
    for (const { template } of pods) expect(secrets).toContain(template.spec.containers[0].envFrom[0]?.secretRef.name);
    const [kustomization] = all("Kustomization");
    const applied = files.filter((name) => !/kustomization|example|upgrade-database/.test(name));
    expect(kustomization?.resources.toSorted()).toEqual(applied.toSorted());
  });

  it("pass on to no master what only balancers and monitors ask", () => {
    const nobody = all("Service").filter(({ spec }) => spec.selector === undefined);
    const paths = all("Ingress").flatMap(({ spec }) => spec.rules.flatMap(({ http }) => http.paths));
    const hidden = paths.filter(({ backend }) => nobody.some(({ metadata }) => metadata.name === backend.service.name));
    const asked = ["/metrics", "/ready", "/health"];
    expect(hidden.map(({ path, pathType }) => [path, pathType])).toEqual(asked.map((path) => [path, "Prefix"]));
    for (const balancer of ["haproxy/haproxy.cfg", "nginx/multimaster.conf"])
      for (const path of asked) expect(read(balancer)).toContain(path.slice(1));
  });

  it("say of every port who may reach it", () => {
    const policies = all("NetworkPolicy").map(({ spec }) => spec);
    for (const { metadata, spec } of all("Deployment")) {
      const { template } = spec;
      const own = policies.filter(({ podSelector }) => isOf(podSelector.matchLabels, template.metadata.labels));
      expect(own, metadata.name).toHaveLength(1);
      const named = own.flatMap(({ ingress }) => ingress.flatMap(({ ports }) => ports.map(({ port }) => port)));
      expect(named, metadata.name).toEqual(template.spec.containers[0].ports.map(({ name }) => name));
    }
    // A worker runs other people's code: its label opens the engines' port, and not the router's.
    const master = { "app.kubernetes.io/name": "multimaster" };
    const [engine] = policies.filter(({ podSelector }) =>
      isOf(podSelector.matchLabels, { ...master, "app.kubernetes.io/component": "engine" }),
    );
    expect(engine?.ingress[0]?.from).toEqual([
      { podSelector: { matchLabels: { "app.kubernetes.io/name": "multimaster-worker" } } },
    ]);
  });

  it("ship with a login, which only their ui masters know", () => {
    for (const { metadata, spec } of masters)
      expect(
        spec.template.spec.containers[0].envFrom.some(({ secretRef }) => secretRef.name === "multimaster-ui"),
        metadata.name,
      ).toBe(metadata.name === "multimaster-ui");
  });

  it("pass the workers' password to engines alone", () => {
    for (const { metadata, spec } of masters)
      expect(
        spec.template.spec.containers[0].envFrom.some(({ secretRef }) => secretRef.name === "multimaster-workers"),
        metadata.name,
      ).toBe(metadata.name === "multimaster-engine");
  });

  it("contain no password", () => {
    const env = masters.flatMap(({ spec }) => spec.template.spec.containers[0].env);
    expect(env.filter(({ name, value }) => value !== undefined && /PASSWORD|TICKET|KEY|DATABASE/.test(name))).toEqual(
      [],
    );
  });
});
