import type { Json, Result } from "@multimaster/core";

/** A source of a build. */
export interface ReportedSource {
  readonly codebase: string;
  readonly repository: string;
  readonly project: string;
  readonly branch: string | null;
  readonly revision: string | null;
}

/** An earlier build. */
export interface PreviousBuild {
  readonly buildid: number;
  readonly number: number;
  readonly results: Result;
}

/** A build of the same buildset that began to fail earlier. */
export interface EarlierFailure {
  readonly buildid: number;
  readonly builderid: number;
  readonly builder: string;
}

/** Why failures of a builder and branch ask for no attention now. */
export interface ReportedMute {
  readonly by: string;
  readonly reason: string;
  /** In seconds since 1970; null: until a build passes. */
  readonly until: number | null;
}

/** A build as filters and templates see it. */
export interface ReportedBuild {
  readonly buildid: number;
  readonly number: number;
  readonly builderid: number;
  readonly builder: string;
  readonly tags: readonly string[];
  readonly buildrequestid: number;
  readonly buildsetid: number;
  readonly reason: string;
  readonly worker: string | null;
  /** Null while it runs. */
  readonly results: Result | null;
  readonly state: string;
  /** When its request came, in seconds since 1970, as the others. */
  readonly requestedAt: number;
  readonly startedAt: number;
  readonly completeAt: number | null;
  readonly properties: Readonly<Record<string, Json>>;
  /**
   * What it was asked with: the properties of the changes of its sources, and of its buildset. No step writes these, so only they
   * may say where a report goes.
   */
  readonly requestProperties: Readonly<Record<string, Json>>;
  readonly sources: readonly ReportedSource[];
  /** Of the changes that its sources are of; what came since the last build that passed is in `changes`. */
  readonly authors: readonly string[];
  /**
   * The build before this one: of the same builder, repositories and branches, the one with the highest number that had ended when
   * this one ended. Builds that were cancelled, skipped or run again, and tries of patches, do not count. Null: there is none among the last 200.
   */
  readonly previous: PreviousBuild | null;
  /** A later build of the same branch had ended already: this end is no news about the branch. */
  readonly isOvertaken: boolean;
  /** A user has muted its builder and branch. */
  readonly mute: ReportedMute | null;
  /** If it begins to fail: builds of the same buildset that began to fail before it, at most 20. */
  readonly earlierFailures: readonly EarlierFailure[];
}

/** A builder that a buildset asks for. */
export interface ReportedBuilder {
  readonly builderid: number;
  readonly builder: string;
  readonly tags: readonly string[];
  readonly buildrequestid: number;
}

/** A buildset that begins, or whose requests are all complete. */
export interface ReportedBuildset {
  readonly buildsetid: number;
  readonly reason: string;
  readonly results: Result | null;
  readonly submittedAt: number;
  readonly completeAt: number | null;
  readonly sources: readonly ReportedSource[];
  readonly properties: Readonly<Record<string, Json>>;
  readonly builders: readonly ReportedBuilder[];
  readonly authors: readonly string[];
  /** The last build of each of its requests, without details; none when it begins. */
  readonly builds: readonly ReportedBuild[];
}

/** The oldest build request of a builder that waits for too long. */
export interface ReportedRequest {
  readonly buildrequestid: number;
  readonly buildsetid: number;
  readonly builderid: number;
  readonly builder: string;
  readonly tags: readonly string[];
  /** Of its buildset. */
  readonly reason: string;
  readonly sources: readonly ReportedSource[];
  readonly properties: Readonly<Record<string, Json>>;
  /** Seconds. */
  readonly waited: number;
  /** The reporter's `waitingAfter`, in seconds. */
  readonly after: number;
  /** How many requests of the builder wait so long. */
  readonly requests: number;
  /** Why it waits, in sentences. */
  readonly why: string;
}

/** A step that begins or ends. */
export interface StepInEvent {
  readonly stepid: number;
  readonly number: number;
  readonly name: string;
  /** Null: it begins. */
  readonly results: Result | null;
}

/** A master that was evicted, starts with another config, or is the last one of another release to go. */
export interface ReportedMaster {
  readonly masterid: number;
  readonly name: string;
  /** What happened, for people. */
  readonly sentence: string;
  readonly facts: Readonly<Record<string, Json>>;
}

/** A worker that is missing, back, paused or in quarantine. */
export interface ReportedWorker {
  readonly workerid: number;
  readonly name: string;
  /** Whom the config names for when it is missing. */
  readonly notify: readonly string[];
  readonly reason: string | null;
  readonly lastConnection: string | null;
}

/** A change in a build. */
export interface ReportedChange {
  readonly changeid: number;
  readonly author: string;
  readonly revision: string | null;
  readonly comments: string;
  readonly link: string | null;
  readonly files: readonly string[];
}

export interface ReportedLog {
  readonly logid: number;
  readonly name: string;
  readonly slug: string;
  readonly lines: number;
}

export interface ReportedStep {
  readonly stepid: number;
  readonly number: number;
  readonly name: string;
  readonly results: Result | null;
  readonly state: string;
  readonly startedAt: number | null;
  readonly completeAt: number | null;
  readonly urls: readonly { readonly name: string; readonly url: string }[];
  readonly logs: readonly ReportedLog[];
}

export interface ReportedTest {
  readonly name: string;
  readonly path: string | null;
  readonly line: number | null;
  readonly value: string;
}

/** What a build has beside itself; each is read when it is asked for. */
export interface BuildDetails {
  readonly steps: readonly ReportedStep[];
  readonly changes: readonly ReportedChange[];
  /** At most 50. */
  readonly failingTests: readonly ReportedTest[];
}
