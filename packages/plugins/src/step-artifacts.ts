import type { Result } from "@multimaster/core";

/** A complete file in the artifact store. */
export interface StoredArtifact {
  readonly artifactid: number;
  readonly buildid: number;
  /** May have directories, separated by `/`. */
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  /** Where users download it. */
  readonly url: string;
}

/** A file that is being uploaded. */
export interface ArtifactWriter {
  /** Resolves when the next block may come, so that the memory is bounded whatever the size. */
  write(block: Uint8Array): Promise<void>;
  /** The file is complete. It is seen only when its upload is published. */
  end(): Promise<void>;
}

/** Files that become visible together. */
export interface ArtifactUpload {
  /** Begins a file, after the one before has ended. Rejects with `ArtifactRefused` for a name that is no plain relative path. */
  add(name: string): Promise<ArtifactWriter>;
  /** Makes all files visible at the same time; those of the build that have the same names are replaced. */
  publish(): Promise<readonly StoredArtifact[]>;
  /** Nothing of it will be seen. It may be called after a failure and after `publish`; it never rejects. */
  discard(): Promise<void>;
}

/** Of which build artifacts are wanted: the newest complete one that all fields describe. */
export interface ArtifactChoice {
  readonly buildid?: number | undefined;
  readonly builder?: string | undefined;
  readonly branch?: string | undefined;
  /** Results that the build may have. */
  readonly results?: readonly Result[] | undefined;
  /** Only builds that have an artifact of this name. */
  readonly name?: string | undefined;
  /** Also builds of a fork's code. */
  readonly forks?: boolean | undefined;
}

/** The bytes of an artifact; the last block is passed on only if all of them have the right checksum. */
export interface ArtifactDownload {
  /** At most `length` bytes, an empty array at the end. */
  read(length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The artifact store as a step uses it. Each call rejects with `ArtifactRefused` if the cluster has none. */
export interface StepArtifacts {
  /** Maximum bytes of one artifact. */
  readonly maxSize: number;
  /** Begins an upload. A caller that does not publish it must discard it. */
  upload(): ArtifactUpload;
  /** The artifacts of a build, sorted by name; undefined: no build is described. */
  find(choice: ArtifactChoice): Promise<readonly StoredArtifact[] | undefined>;
  open(artifact: StoredArtifact): ArtifactDownload;
  /** Caches: archives by key that later builds restore. */
  readonly caches: StepCaches;
}

/** Caches of a scope, such as a builder's name. Builds of a fork's code read them and write none. */
export interface StepCaches {
  /** Maximum bytes of one cache. */
  readonly maxSize: number;
  /** Why this build writes no cache; undefined: it may. */
  readonly refusal: string | undefined;
  /** The cache of the key, or the newest whose key begins with one of the fallback keys, tried in their order. */
  find(scope: string, key: string, fallbackKeys: readonly string[]): Promise<StoredArtifact | undefined>;
  /** Begins a cache; it replaces the one of the same key when it is published. */
  upload(scope: string): ArtifactUpload;
}

/** A program of a master's machine, as a step runs it. */
export interface MasterCommand {
  readonly command: string | readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds after which it is killed. */
  readonly timeout: number;
  /** Bytes of output after which it is killed. */
  readonly maxOutput: number;
  onOutput(text: string, stream: "stdout" | "stderr"): Promise<void>;
}

/** How a program on a master's machine ended. */
export interface MasterCommandEnd {
  /** -1: it was killed by a signal. */
  readonly rc: number;
  /** Why it was killed. */
  readonly killed?: string;
}

/**
 * What a step may do on the machine of the engine that runs it. Each call rejects with `MasterRefused` unless the cluster's
 * config allows it (`onMaster`) and the build is not of a fork's code.
 */
export interface StepMaster {
  run(command: MasterCommand): Promise<MasterCommandEnd>;
  /** Reads a file of a directory that is listed in `onMaster.readFrom`. */
  read(path: string): Promise<ArtifactDownload>;
  /** Writes a file into a directory that is listed in `onMaster.writeTo`: it appears when it is complete. */
  write(path: string, mode: number): Promise<ArtifactWriter & { discard(): Promise<void> }>;
}
