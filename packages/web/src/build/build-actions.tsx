import type { Build } from "@multimaster/data";
import { call } from "../api/read.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { navigate } from "../router.ts";

export function BuildActions({ build }: { build: Build }) {
  const path = `builds/${build.buildid}`;
  const rebuild = async () => {
    const [, requests] = await call<[number, Record<string, number>]>(path, "rebuild");
    const [request] = Object.values(requests);
    if (request !== undefined) navigate(`/buildrequests/${request}`);
  };
  return build.complete ? (
    <ActionButton kind="primary" act={rebuild} title="The same source and properties again">
      Rebuild
    </ActionButton>
  ) : (
    <ActionButton kind="danger" act={() => call(path, "stop", { reason: "" })} confirm="Stop this build?">
      Stop
    </ActionButton>
  );
}
