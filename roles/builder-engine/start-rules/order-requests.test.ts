import { describe, expect, it } from "vitest";
import { completeOrder, fillPlaces, interleave, orderByBuilder } from "./order-requests.ts";

const request = (buildrequestid: number, builderid: number) => ({ buildrequestid, builderid });
const ids = (requests: readonly { buildrequestid: number }[]) => requests.map(({ buildrequestid }) => buildrequestid);

describe("the order of requests", () => {
  it("gives a builder's places among all to its requests in its own order", () => {
    const all = [request(1, 1), request(2, 2), request(3, 1), request(4, 2)];
    const own = new Map([[1, [request(9, 1), request(3, 1), request(1, 1)]]]);
    expect(ids(fillPlaces(all, own))).toEqual([9, 2, 3, 4]);
    expect(ids(fillPlaces(all, new Map([[1, []]])))).toEqual([2, 4]);
    expect(ids(fillPlaces(all, new Map()))).toEqual([1, 2, 3, 4]);
  });

  it("appends what a function leaves out, and ignores what it makes up", () => {
    expect(ids(completeOrder([request(1, 1), request(2, 1), request(3, 1)], [3, 7, 3, 1]))).toEqual([3, 1, 2]);
  });

  it("takes builders in their order, and each builder's requests as they are", () => {
    const all = [request(1, 1), request(2, 2), request(3, 3), request(4, 2)];
    expect(ids(orderByBuilder(all, [2, 1]))).toEqual([2, 4, 1, 3]);
    expect(ids(interleave(orderByBuilder(all, [2, 1])))).toEqual([2, 1, 3, 4]);
  });
});
