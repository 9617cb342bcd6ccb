import type { PlantedFault } from "./faults.ts";

/** Of what a farm schedules: tries, functions of the config, kept triggers, collapsing. */
export const scheduleFaults: readonly PlantedFault[] = [
  {
    name: "a build of a patch gets the secrets",
    file: "roles/builder-engine/builds/fork-build.ts",
    safeguard: "patch !== null)) return true;",
    instead: "patch === undefined)) return true;",
    tests: ["engine/fork-build.test.ts"],
  },
  {
    name: "what a function says shows secrets",
    file: "roles/builder-engine/start-rules/guarded-function.ts",
    safeguard: "const cause = hide(describeCause(error));",
    instead: "const cause = describeCause(error);",
    tests: ["engine/start-rules.test.ts"],
  },
  {
    name: "a kept trigger is forgotten before its time comes",
    file: "packages/database/src/stores/asked-triggers.ts",
    safeguard: "delete from mm_asked_triggers where outcome is not null",
    instead: "delete from mm_asked_triggers where 1 = 1",
    tests: ["engine/triggers.test.ts"],
  },
  {
    name: "a function of locks that has blocked is called again immediately",
    file: "roles/builder-engine/locks/lock-questions.ts",
    safeguard: "return rests && rests.until > this.#clock.now()",
    instead: "return rests && rests.until < 0",
    tests: ["locks/locks-of-builds.test.ts"],
  },
  {
    name: "a survivor gets the properties of a request that did not collapse",
    file: "roles/builder-engine/collapsing/function-collapse.ts",
    safeguard: "if (await this.#carryOut(newerId, [olderId], answer.properties, gone))",
    instead: "if ((await this.#carryOut(newerId, [olderId], answer.properties, gone)) || gone)",
    tests: ["collapsing/collapse-in-engine.test.ts"],
  },
];
