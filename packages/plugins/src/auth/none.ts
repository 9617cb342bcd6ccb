import { z } from "zod";
import { defineAuth } from "../define-auth.ts";

const none = defineAuth({
  type: "none",
  options: z.strictObject({}),
  look: () => ({ name: "NoAuth" }),
  start: () => ({ kind: "none" }),
});

/** Disables logins; programs may still use API tokens. */
export default () => none({});
