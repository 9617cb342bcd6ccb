import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesServer } from "./kubernetes-api.ts";

const account = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The API server of the Kubernetes cluster in which this master runs as a pod. */
export function findOwnServer(
  env: Readonly<Record<string, string | undefined>> = process.env,
  directory = account,
): { server: KubernetesServer; namespace: string } {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  const [token, ca, namespace] = ["token", "ca.crt", "namespace"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  if (!host || !existsSync(token))
    throw new Error("this master is no pod with a service account: set server to the URL of an API server");
  const url = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    server: { url, tokenFile: token, ca: readFileSync(ca, "utf8") },
    namespace: readFileSync(namespace, "utf8").trim(),
  };
}
