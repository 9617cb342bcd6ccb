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
  /** Seconds since 1970. */
  readonly startedAt: number;
  readonly completeAt: number | null;
  readonly properties: Readonly<Record<string, Json>>;
  readonly sources: readonly ReportedSource[];
  /** The builder's last build before this one that was not cancelled, skipped or retried; null: there is none among the last 50. */
  readonly previous: PreviousBuild | null;
}

/** A buildset whose requests are all complete. */
export interface ReportedBuildset {
  readonly buildsetid: number;
  readonly reason: string;
  readonly results: Result | null;
  readonly submittedAt: number;
  readonly completeAt: number | null;
  readonly sources: readonly ReportedSource[];
  readonly properties: Readonly<Record<string, Json>>;
  /** The last build of each of its requests, without details. */
  readonly builds: readonly ReportedBuild[];
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
