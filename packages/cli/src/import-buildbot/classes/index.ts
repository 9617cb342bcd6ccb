import { changeSources } from "./change-sources.ts";
import type { Mappings } from "./class-mapping.ts";
import { files } from "./files.ts";
import { programs } from "./programs.ts";
import { reporters } from "./reporters.ts";
import { schedulers } from "./schedulers.ts";
import { sources } from "./sources.ts";
import { secretProviders, workers } from "./workers.ts";

/** What becomes of each class of Buildbot's, by what it is for: the place to add one. docs/from-buildbot.md is generated from it. */
export const classes = {
  steps: { ...sources, ...programs, ...files },
  schedulers,
  "change sources": changeSources,
  reporters,
  workers,
  "secret providers": secretProviders,
} satisfies Readonly<Record<string, Mappings>>;
