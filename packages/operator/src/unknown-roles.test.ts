import type { LoadedConfig } from "@multimaster/config";
import { expect, it } from "vitest";
import { describeUnknownRoles } from "./unknown-roles.ts";

type Ui = Awaited<ReturnType<LoadedConfig["ui"]>>;

const configWith = (ui: object) => ({
  placeOf: () => "ui.ts",
  ui: async () => ui as Ui,
});
const config = configWith({ authorization: { rules: [], otherwise: "deny", roles: { admins: {}, bots: {} } } });

it.each([
  [config, [], undefined],
  [config, ["bots", "admins"], undefined],
  [
    config,
    ["admins", "NOSUCH"],
    'ui.ts: authorization.roles: has no role "NOSUCH", so the token gets no rights by it (have: admins, bots).',
  ],
  [
    configWith({}),
    ["a", "b"],
    'ui.ts: authorization.roles: has none of the roles "a", "b", so the token gets no rights by it (have: none).',
  ],
  [
    { placeOf: () => "ui.ts", ui: () => Promise.reject(new Error("no secret")) },
    ["admins"],
    'The roles of the token are not checked: ui.ts cannot be loaded here; "master check-config" says why.',
  ],
])("says which roles of a token the config does not name", async (loaded, roles, sentence) => {
  expect(await describeUnknownRoles(loaded, roles)).toBe(sentence);
});
