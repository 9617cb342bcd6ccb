import { z } from "zod";

/** What steps may do on the machines of the masters. */
export const onMasterConfig = z.strictObject({
  commands: z
    .boolean()
    .default(false)
    .describe("Whether the step master-command may run programs, as the user of the master."),
  readFrom: z
    .array(z.string().min(1))
    .default([])
    .describe("Directories whose files the step download may send to workers; relative to the config file."),
  writeTo: z
    .array(z.string().min(1))
    .default([])
    .describe("Directories into which the step upload may write; relative to the config file."),
});

export type OnMasterConfig = z.output<typeof onMasterConfig>;
