import { RequestRefused } from "../link-errors.ts";
import type { Encodable } from "./banana.ts";
import { CallRefused } from "./values.ts";

const loginRefusal = "twisted.cred.error.UnauthorizedLogin";

/** Name and password do not fit: the only error that a worker takes before its login is answered. */
export class LoginRefused extends CallRefused {
  override name = "LoginRefused";

  constructor() {
    super(loginRefusal, "");
  }
}

export function isLoginRefusal(error: unknown): boolean {
  return error instanceof LoginRefused;
}

/** Packs an error of this end in the only form that workers of every release understand. */
export function describeOwnFailure(error: unknown): Encodable {
  const type = error instanceof CallRefused ? error.type : "builtins.RuntimeError";
  const value = error instanceof RequestRefused ? error.message.slice(0, 2000) : "the master could not process this";
  return [
    "twisted.spread.pb.CopyableFailure",
    [
      "dictionary",
      [["unicode", "type"], type],
      [
        ["unicode", "value"],
        ["unicode", value],
      ],
      [
        ["unicode", "traceback"],
        ["unicode", "Traceback unavailable\n"],
      ],
      [
        ["unicode", "parents"],
        ["list", ["unicode", type]],
      ],
    ],
  ];
}
