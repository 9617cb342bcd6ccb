import { resolve } from "node:path";
import { env } from "@multimaster/config";

/** Where the cluster keeps what it has. */
export const state = resolve(import.meta.dirname, env("MULTIMASTER_STATE", "state"));

/** The directory of the engine's machine that steps may write to and read from. */
export const published = resolve(state, "published");
