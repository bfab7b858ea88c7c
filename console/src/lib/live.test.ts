import { describe, expect, it } from "vitest";
import { readBlock } from "./live";

describe("the live stream", () => {
  it("reads id, topic and data of one event", () => {
    expect(readBlock('id: 0190\nevent: messages\ndata: {"count":\ndata: 2}')).toEqual({
      id: "0190",
      event: "messages",
      data: { count: 2 },
    });
  });

  it("ignores comments", () => {
    expect(readBlock(": heartbeat")).toEqual({ id: "", event: "", data: undefined });
  });
});
