import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PluginDescriptor } from "@multimaster/config";
import { systemClock } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../test/harness/temporary-directory.ts";
import { startVault } from "../../../../test/harness/vault.ts";
import type { SecretProviderDefinition } from "../define-secret-provider.ts";
import command from "./command.ts";
import directory from "./directory.ts";
import environment from "./environment.ts";
import vault from "./vault.ts";

/** Starts the provider of a config; `skip` moves its clock. */
function start({ plugin, options }: PluginDescriptor<"secret-provider">, configDirectory = "/") {
  let skipped = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + skipped };
  const definition = plugin as unknown as SecretProviderDefinition;
  const provider = definition.start({ clock, configDirectory }, plugin.options.parse(options));
  return {
    fetch: (name: string) => provider.fetch(name, AbortSignal.timeout(10_000)),
    skip: (seconds: number) => (skipped += seconds * 1000),
    warnings: () => definition.warnings?.(plugin.options.parse(options)) ?? [],
  };
}

describe("secrets of a directory", () => {
  it("are files that only the master may read; one that is not there or is open is warned of", async () => {
    const path = temporaryDirectory("secrets");
    writeFileSync(join(path, "token"), "of a file\n", { mode: 0o600 });
    writeFileSync(join(path, "open"), "of all");
    chmodSync(join(path, "open"), 0o644);
    const found = start(directory({ path: ".", secrets: ["token", "open", "gone"] }), path);
    expect(await found.fetch("token")).toBe("of a file");
    await expect(found.fetch("open")).rejects.toThrow(/chmod 600/);
    await expect(found.fetch("gone")).rejects.toThrow(/gone cannot be read: .*ENOENT/);
    const { warnings } = start(directory({ path, secrets: ["token", "open", "gone"] }));
    expect(warnings().map(({ path: [, i] }) => i)).toEqual([1, 2]);
    expect(() => start(directory({ path, secrets: ["../etc/passwd"] }))).toThrow(/letters, digits/);
  });
});

describe("secrets of the environment", () => {
  it("are read when they are needed", async () => {
    process.env["OF_A_TEST"] = "first";
    const found = start(environment({ secrets: { token: "OF_A_TEST", other: "NOT_SET_AT_ALL" } }));
    expect(await found.fetch("token")).toBe("first");
    await expect(found.fetch("other")).rejects.toThrow("the variable NOT_SET_AT_ALL is not set");
    expect(found.warnings()).toHaveLength(1);
  });
});

describe("secrets of a program", () => {
  it("are what it prints, without a shell, and it gets no other variables", async () => {
    process.env["OF_A_TEST"] = "not for programs";
    const script = `process.stdout.write(process.argv[1] + (process.env.OF_A_TEST ?? "") + process.env.STORE + "\\nuser: ann\\n")`;
    const options = { command: [process.execPath, "-e", script, "{}"], env: { STORE: "/s" } };
    const first = start(command({ ...options, secrets: { token: "ci/$(id) x" }, firstLine: true }));
    expect(await first.fetch("token")).toBe("ci/$(id) x/s");
    expect(await start(command({ ...options, secrets: { token: "a" } })).fetch("token")).toBe("a/s\nuser: ann");
    const failing = start(
      command({
        command: [process.execPath, "-e", "console.error('no key'); process.exit(2)"],
        secrets: { token: "a" },
      }),
    );
    await expect(failing.fetch("token")).rejects.toThrow(/ended with 2: no key/);
    expect(() => start(command({ ...options, secrets: { token: "--all" } }))).toThrow(/must not begin with -/);
  });
});

describe("secrets of Vault", () => {
  const kv2 = { "ci/deploy": { token: "of version 2", n: 1 }, "ci/deleted": null };
  const secrets = {
    token: { path: "ci/deploy", field: "token" },
    number: { path: "ci/deploy", field: "n" },
    deleted: { path: "ci/deleted" },
    gone: { path: "ci/gone" },
  };

  it("are fields of KV version 2, or 1, in a namespace, with a token", async () => {
    const { address } = await startVault({
      kv2,
      kv1: { plain: { value: "of version 1" } },
      token: "t",
      namespace: "team",
    });
    const common = { address, namespace: "team", auth: { token: "t" } };
    const two = start(vault({ ...common, secrets }));
    expect(await two.fetch("token")).toBe("of version 2");
    await expect(two.fetch("number")).rejects.toThrow('no text in the field "n"');
    await expect(two.fetch("deleted")).rejects.toThrow("there is nothing at secret/data/ci/deleted");
    await expect(two.fetch("gone")).rejects.toThrow("there is nothing at secret/data/ci/gone");
    const one = start(vault({ ...common, mount: "old", version: 1, secrets: { plain: { path: "plain" } } }));
    expect(await one.fetch("plain")).toBe("of version 1");
    await expect(start(vault({ ...common, auth: { token: "wrong" }, secrets })).fetch("token")).rejects.toThrow(
      "it answers 403: permission denied",
    );
    expect(() => start(vault({ ...common, address: "http://vault.example.org", secrets }))).toThrow(/must be https/);
  });

  it("are read with an AppRole, whose token is renewed late in its life and replaced when it has ended", async () => {
    const appRole = { roleId: "role", secretId: "secret id" };
    const server = await startVault({ kv2, appRole, lifetime: 900 });
    const found = start(vault({ address: server.address, auth: appRole, secrets }));
    const askedNow = async () => {
      expect(await found.fetch("token")).toBe("of version 2");
      return server.asked.splice(0).map(({ path }) => path.replace("/v1/", ""));
    };
    expect(await askedNow()).toEqual(["auth/approle/login", "secret/data/ci/deploy"]);
    expect(await askedNow()).toEqual(["secret/data/ci/deploy"]);
    const pass = (seconds: number) => {
      server.pass(seconds);
      found.skip(seconds);
    };
    pass(700);
    expect(await askedNow()).toEqual(["auth/token/renew-self", "secret/data/ci/deploy"]);
    pass(1000);
    expect(await askedNow()).toEqual(["auth/approle/login", "secret/data/ci/deploy"]);
    server.revokeAll();
    expect(await askedNow()).toEqual(["secret/data/ci/deploy", "auth/approle/login", "secret/data/ci/deploy"]);
    const wrong = start(vault({ address: server.address, auth: { ...appRole, secretId: "x" }, secrets }));
    await expect(wrong.fetch("token")).rejects.toThrow("it answers 400: invalid role or secret ID");
  });
});
