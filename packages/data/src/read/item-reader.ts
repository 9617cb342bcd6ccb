import type { Connection } from "@multimaster/database";
import type { AnyResource, Item } from "../model/define-resource.ts";
import { findItems } from "./read-items.ts";

type Items = ReadonlyMap<number, Item<AnyResource>>;

/** Reads objects by id for many concurrent callers. */
export interface ItemReader {
  /** Returns the objects as they are after this call, perhaps with others. */
  read(resource: AnyResource, ids: readonly number[]): Promise<Items>;
}

/**
 * At most one query per resource is under way; ids requested meanwhile are read together by the next one. So a busy
 * master does not read more often than its database answers, and no caller gets what was read before it asked. `properties`
 * are the names of the properties to fill in.
 */
export function createItemReader(connection: Connection, properties?: readonly string[]): ItemReader {
  const lanes = new Map<
    AnyResource,
    { running: Promise<unknown>; next: { ids: Set<number>; items: Promise<Items> } | undefined }
  >();

  return {
    read(resource, ids) {
      let lane = lanes.get(resource);
      if (!lane) lanes.set(resource, (lane = { running: Promise.resolve(), next: undefined }));
      const { running, next } = lane;
      if (next) {
        for (const id of ids) next.ids.add(id);
        return next.items;
      }
      const wanted = new Set(ids);
      const owner = lane;
      const items = running.then(() => {
        owner.next = undefined;
        return readItems(connection, resource, [...wanted], properties);
      });
      owner.next = { ids: wanted, items };
      owner.running = items.catch(() => undefined);
      return items;
    },
  };
}

async function readItems(
  connection: Connection,
  resource: AnyResource,
  ids: readonly number[],
  properties: readonly string[] | undefined,
): Promise<Items> {
  const found = await findItems(resource, connection, {
    filters: [{ field: resource.id, operator: "in", values: [...ids] }],
    ...(properties && { properties }),
  });
  return new Map((found?.rows ?? []).map((item) => [item[resource.id] as number, item as Item<AnyResource>]));
}
