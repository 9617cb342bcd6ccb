import { clientErrors } from "./errors/clients.ts";
import { configErrors } from "./errors/configs.ts";
import { databaseErrors } from "./errors/databases.ts";
import { hookErrors } from "./errors/hooks.ts";
import { loginErrors } from "./errors/logins.ts";
import { masterErrors } from "./errors/masters.ts";
import { requestErrors } from "./errors/requests.ts";

export { type ErrorKind, ExitCode, UserError } from "./errors/define-error.ts";

/** The catalogue: every error a user can meet, with its code, status, exit code and message. */
export const errors = {
  ...configErrors,
  ...databaseErrors,
  ...masterErrors,
  ...requestErrors,
  ...hookErrors,
  ...loginErrors,
  ...clientErrors,
} as const;
