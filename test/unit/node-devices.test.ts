import { describe, expect, it } from "vitest";
import { pairedDevices } from "../../node/verify/devices.ts";

const ID = "0".repeat(64);

describe("the vendor's list of paired devices", () => {
  it("is read with what tells one device from another", () => {
    const device = { deviceId: ID, clientId: "cli", platform: "linux", publicKey: "not shown" };
    expect(pairedDevices({ pending: [], paired: [device] })).toEqual([{ id: ID, client: "cli", platform: "linux" }]);
    expect(pairedDevices({ paired: [] })).toEqual([]);
  });

  it("says so when it does not know what a device is, or the name is no name", () => {
    const paired = [{ deviceId: ID }, { deviceId: ID, clientId: "\u001b[31m", platform: 5 }];
    const unknown = { id: ID, client: "unknown", platform: "unknown" };
    expect(pairedDevices({ paired })).toEqual([unknown, unknown]);
  });

  it.each([[undefined], [{}], [{ paired: null }], [{ paired: [{}] }], [{ paired: [{ deviceId: "--all" }] }]])(
    "is not taken for an empty one: %j",
    (list) => {
      expect(() => pairedDevices(list)).toThrow(expect.objectContaining({ code: "devices" }));
    },
  );
});
