import type { ArtifactRow } from "@multimaster/data";
import {
  ArtifactRefused,
  ArtifactStoreFailed,
  type ArtifactUpload,
  type StepArtifacts,
  type StoredArtifact,
} from "@multimaster/plugins";
import type { BuildScope } from "../steps/build-scope.ts";
import type { Turns } from "../steps/turns.ts";
import { StoredUpload } from "./artifact-upload.ts";
import { createCheckedDownload } from "./checked-download.ts";
import type { EngineArtifacts } from "./engine-artifacts.ts";

/** Artifacts of a build that a step may read at once. */
const mostFound = 100_000;

/** The artifact store as one step sees it. */
export function createStepArtifacts(
  { engine, build, isFork, secrets }: BuildScope,
  stepid: number,
  signal: AbortSignal,
  turns: Turns,
): StepArtifacts {
  const { data, persistence, siteUrl } = engine;
  const keys = new Map<number, string>();

  function demandStore(): EngineArtifacts {
    if (engine.artifacts) return engine.artifacts;
    throw new ArtifactRefused("The cluster has no artifact store: its config names none (artifacts).");
  }

  function describe({ key, ...row }: ArtifactRow): StoredArtifact {
    keys.set(row.artifactid, key);
    return { ...row, url: urlOf(siteUrl, row) };
  }

  /** Of what a worker's blocks call while the step's own code waits for its command. */
  async function explained<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof ArtifactStoreFailed) throw new ArtifactRefused(sentence(error.message), { cause: error });
      throw error;
    }
  }

  /** Of what only the step's own code calls, which waits meanwhile. */
  async function waiting<T>(act: () => Promise<T>): Promise<T> {
    turns.leave();
    try {
      return await explained(act);
    } finally {
      await turns.enter();
    }
  }

  /** Anyone who may read the build sees the keys of its caches, and a hidden one would be that of other secrets, too. */
  function checkKeys(keys: readonly string[]): void {
    if (keys.some((key) => secrets.hide(key) !== key))
      throw new ArtifactRefused("The key of a cache has a secret in it: anyone who may read the build sees keys.");
  }

  function begin(maxSize: number, cacheScope?: string): ArtifactUpload {
    const { store, limits } = demandStore();
    const upload = new StoredUpload({
      data,
      persistence,
      store,
      upload: { buildid: build.buildid, stepid, fromFork: isFork, ...(cacheScope === undefined ? {} : { cacheScope }) },
      maxSize,
      maxFiles: limits.maxFiles,
      isCache: cacheScope !== undefined,
      signal,
    });
    return {
      async add(name) {
        if (cacheScope !== undefined) checkKeys([name]);
        // Anyone who may read the build sees it.
        const writer = await upload.add(secrets.hide(name));
        return { write: (block) => explained(() => writer.write(block)), end: () => explained(() => writer.end()) };
      },
      publish: () => waiting(async () => (await upload.publish()).map(describe)),
      discard: () => waiting(() => upload.discard()),
    };
  }

  return {
    get maxSize() {
      return demandStore().limits.maxSize;
    },
    upload: () => begin(demandStore().limits.maxSize),
    find: (choice) =>
      waiting(async () => {
        demandStore();
        const buildid = await persistence.write("find artifacts", () => data.updates.artifacts.findBuild(choice));
        if (buildid === undefined) return undefined;
        const rows = await persistence.write(`read artifacts of build ${buildid}`, () =>
          data.updates.artifacts.ofBuild(buildid, choice.forks === true, mostFound),
        );
        return rows.map(describe);
      }),
    open(artifact) {
      const { store } = demandStore();
      const key = keys.get(artifact.artifactid);
      if (key === undefined)
        throw new ArtifactRefused(`There is no artifact ${artifact.artifactid} that this step has found.`);
      const { read, close } = createCheckedDownload(store, { ...artifact, key }, signal);
      return { read: (length) => explained(() => read(length)), close };
    },
    caches: {
      get maxSize() {
        return demandStore().limits.caches.maxSize;
      },
      refusal: isFork ? "builds of a fork's code write no caches" : undefined,
      find: (scope, key, fallbackKeys) =>
        waiting(async () => {
          demandStore();
          checkKeys([key, ...fallbackKeys]);
          const row = await persistence.write("find a cache", () =>
            data.updates.artifacts.takeCache(scope, key, fallbackKeys),
          );
          return row && describe(row);
        }),
      upload(scope) {
        if (isFork) throw new ArtifactRefused("Builds of a fork's code write no caches.");
        return begin(demandStore().limits.caches.maxSize, scope);
      },
    },
  };
}

function urlOf(siteUrl: string, { artifactid, name }: Pick<ArtifactRow, "artifactid" | "name">): string {
  const path = name.split("/").map(encodeURIComponent).join("/");
  return `${siteUrl}artifacts/${artifactid}/${path}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
