import { errors } from "@multimaster/core";
import { z } from "zod";
import type { Report, Reporter } from "../resources/reporters.ts";
import { type ActionContext, defineAction } from "./action.ts";

/** What may be done to a reporter. */
export const reporterActions = {
  /** Tries immediately what waits for its next attempt; with `dead` also what was given up. Answers how many reports are owed. */
  retry: defineAction(
    z.object({ dead: z.boolean().default(false) }),
    ({ updates, trail }: ActionContext<Reporter>, { reporterid }, { dead }) => ({
      async perform() {
        return { owed: await updates.reports.retry(reporterid, dead, trail) };
      },
    }),
  ),
};

/** What may be done to a report. */
export const reportActions = {
  /** Tries again immediately, also if it was given up. */
  retry: defineAction(z.object({}), ({ updates, trail }: ActionContext<Report>, { reportid }) => ({
    async perform() {
      if (!(await updates.reports.retryReport(reportid, trail)))
        throw errors.requestInvalid(`Report ${reportid} was sent, or a later one took its place.`);
      return null;
    },
  })),
};
